/** Makes the id of a task created at `time` (milliseconds since 1970). */
export type NewTaskId = (time: number) => string;

/**
 * Makes UUIDs version 7 (RFC 9562 section 5.7) that always rise within one process, whatever the clock does: the 12 bits
 * after the time count up from a random start (section 6.2, method 1). When they run out, the time runs ahead; when the
 * clock steps back, it stands still.
 */
export function createTaskIds(random: (bytes: Uint8Array) => void = (b) => crypto.getRandomValues(b)): NewTaskId {
  const bytes = Buffer.alloc(16);
  let lastTime = -1;
  let counter = 0;
  return (time) => {
    random(bytes);
    if (time > lastTime) {
      lastTime = time;
      // Leaves half of the range to count in.
      counter = bytes.readUInt16BE(6) & 0x7ff;
    } else if (counter < 0xfff) {
      counter += 1;
    } else {
      lastTime += 1;
      counter = 0;
    }
    bytes.writeUIntBE(lastTime, 0, 6);
    bytes.writeUInt16BE(0x7000 | counter, 6);
    bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
    const hex = bytes.toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  };
}
