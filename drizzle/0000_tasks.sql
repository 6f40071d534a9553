CREATE TYPE "public"."task_priority" AS ENUM('low', 'medium', 'high');--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"user_id" text COLLATE "C" NOT NULL,
	"key" text COLLATE "C" NOT NULL,
	"fingerprint" text COLLATE "C" NOT NULL,
	"task" json NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY("user_id","key"),
	CONSTRAINT "idempotency_keys_key_length" CHECK (char_length("idempotency_keys"."key") between 1 and 255)
);
--> statement-breakpoint
CREATE TABLE "tasks" (
	"id" uuid NOT NULL,
	"user_id" text COLLATE "C" NOT NULL,
	"title" text COLLATE "C" NOT NULL,
	"description" text,
	"completed" boolean NOT NULL,
	"completed_at" timestamp (3) with time zone,
	"priority" "task_priority" NOT NULL,
	"tags" text[] NOT NULL,
	"due_date" date,
	"due_at" timestamp (3) with time zone,
	"order" integer NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	"revision" bigint NOT NULL,
	"deleted_at" timestamp (3) with time zone,
	"due" timestamp (3) with time zone GENERATED ALWAYS AS (coalesce("tasks"."due_at", "tasks"."due_date"::timestamp at time zone 'UTC')) STORED,
	CONSTRAINT "tasks_pkey" PRIMARY KEY("user_id","id"),
	CONSTRAINT "tasks_user_id_valid" CHECK (char_length("tasks"."user_id") between 1 and 255 and "tasks"."user_id" !~ '[\u0001-\u001f\u007f-\u009f]'),
	CONSTRAINT "tasks_title_length" CHECK (char_length("tasks"."title") between 1 and 200),
	CONSTRAINT "tasks_title_trimmed" CHECK ("tasks"."title" = btrim("tasks"."title", U&'\0009\000a\000b\000c\000d\0020\00a0\1680\2000\2001\2002\2003\2004\2005\2006\2007\2008\2009\200a\2028\2029\202f\205f\3000\feff')),
	CONSTRAINT "tasks_description_length" CHECK (char_length("tasks"."description") <= 10000),
	CONSTRAINT "tasks_completed_at_matches" CHECK ("tasks"."completed" = ("tasks"."completed_at" is not null)),
	CONSTRAINT "tasks_tags_count" CHECK (cardinality("tasks"."tags") <= 20),
	CONSTRAINT "tasks_tags_valid" CHECK (coalesce(array_ndims("tasks"."tags"), 1) = 1 and coalesce(array_lower("tasks"."tags", 1), 1) = 1 and array_position("tasks"."tags", null) is null and jsonb_array_length(jsonb_path_query_array(jsonb_object("tasks"."tags", "tasks"."tags"), '$.keyvalue()')) = cardinality("tasks"."tags") and not jsonb_path_exists(jsonb_object("tasks"."tags", "tasks"."tags"), '$.keyvalue() ? (!(@.key like_regex "^[^A-Z\u0009\u000a\u000b\u000c\u000d\u0020\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]([^A-Z]{0,48}[^A-Z\u0009\u000a\u000b\u000c\u000d\u0020\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff])?$" flag "s"))')),
	CONSTRAINT "tasks_due_once" CHECK ("tasks"."due_date" is null or "tasks"."due_at" is null),
	CONSTRAINT "tasks_due_date_range" CHECK ("tasks"."due_date" between '1970-01-01' and '9999-12-31'),
	CONSTRAINT "tasks_due_at_range" CHECK ("tasks"."due_at" between '1970-01-01T00:00:00Z' and '9999-12-31T23:59:59.999Z'),
	CONSTRAINT "tasks_times_range" CHECK ("tasks"."created_at" between '1970-01-01T00:00:00Z' and '9999-12-31T23:59:59.999Z' and "tasks"."updated_at" between '1970-01-01T00:00:00Z' and '9999-12-31T23:59:59.999Z' and "tasks"."completed_at" between '1970-01-01T00:00:00Z' and '9999-12-31T23:59:59.999Z' and "tasks"."deleted_at" between '1970-01-01T00:00:00Z' and '9999-12-31T23:59:59.999Z'),
	CONSTRAINT "tasks_revision_positive" CHECK ("tasks"."revision" > 0)
);
--> statement-breakpoint
CREATE TABLE "user_revisions" (
	"user_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"revision" bigint NOT NULL,
	CONSTRAINT "user_revisions_revision_positive" CHECK ("user_revisions"."revision" > 0)
);
--> statement-breakpoint
CREATE INDEX "idempotency_keys_created" ON "idempotency_keys" USING btree ("created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "tasks_user_revision" ON "tasks" USING btree ("user_id","revision");--> statement-breakpoint
CREATE INDEX "tasks_user_created" ON "tasks" USING btree ("user_id","created_at","id") WHERE "tasks"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "tasks_user_open" ON "tasks" USING btree ("user_id","created_at","id") WHERE "tasks"."deleted_at" is null and not "tasks"."completed";--> statement-breakpoint
CREATE INDEX "tasks_user_bin" ON "tasks" USING btree ("user_id","created_at","id") WHERE "tasks"."deleted_at" is not null;--> statement-breakpoint
CREATE INDEX "tasks_user_due" ON "tasks" USING btree ("user_id","due","id") WHERE "tasks"."deleted_at" is null and "tasks"."due" is not null;