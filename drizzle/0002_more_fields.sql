-- Nothing here reads or rewrites a row: the new columns are NULL in every task, and a title of 200 characters has no more
-- than 500, so what NOT VALID leaves unread is valid. Each new or changed row is checked. The type of "order" stays: to
-- widen it would rewrite the table, and fail the prepared statements of older processes.
ALTER TYPE "public"."task_priority" ADD VALUE 'none' BEFORE 'low';--> statement-breakpoint
ALTER TABLE "tasks" DROP CONSTRAINT "tasks_title_length";--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "project" text COLLATE "C";--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "wide_order" bigint;--> statement-breakpoint
ALTER TABLE "tasks" ADD COLUMN "metadata" jsonb;--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_project_valid" CHECK (char_length("tasks"."project") between 1 and 100 and "tasks"."project" = btrim("tasks"."project", U&'\0009\000a\000b\000c\000d\0020\00a0\1680\2000\2001\2002\2003\2004\2005\2006\2007\2008\2009\200a\2028\2029\202f\205f\3000\feff')) NOT VALID;--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_wide_order_range" CHECK ("tasks"."wide_order" between -9007199254740991 and -2147483649 or "tasks"."wide_order" between 2147483648 and 9007199254740991) NOT VALID;--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_metadata_valid" CHECK (jsonb_typeof("tasks"."metadata") = 'object' and jsonb_array_length(jsonb_path_query_array("tasks"."metadata", 'strict $.keyvalue()')) between 1 and 50 and not jsonb_path_exists("tasks"."metadata", 'strict $.keyvalue() ? (!(@.key like_regex "^.{1,40}$" flag "s") || (@.value.type() != "string" && @.value.type() != "number" && @.value.type() != "boolean") || (@.value.type() == "string" && !(@.value like_regex "^.{0,250}.{0,250}$" flag "s")))')) NOT VALID;--> statement-breakpoint
ALTER TABLE "tasks" ADD CONSTRAINT "tasks_title_length" CHECK (char_length("tasks"."title") between 1 and 500) NOT VALID;