// A socket on which frames come, read into one buffer.
import net from "node:net";
import type { FrameReader } from "./frame.ts";

/**
 * Node's socket for a connected descriptor, whose bytes `reader` gets: in one buffer for all reads, since
 * Node would make one of 64 KiB for each, also for a single byte. What cannot be read as frames destroys it.
 * @param room bytes that are read at once.
 * @param closed called once, with the reason where there is one beside the other side's end.
 */
export function frameSocket(fd: number, room: number, reader: FrameReader, closed: (error?: Error) => void): net.Socket {
  const buffer = Buffer.allocUnsafeSlow(room);
  const callback = (length: number): boolean => {
    try {
      reader.feed(buffer.subarray(0, length));
    } catch (error) {
      socket.destroy(error as Error);
    }
    return true;
  };
  const options = { fd, readable: true, writable: true, onread: { buffer, callback } };
  const socket = new net.Socket(options as net.SocketConstructorOpts);
  let trouble: Error | undefined;
  socket.on("error", (error) => {
    trouble ??= error;
  });
  socket.on("close", () => closed(trouble));
  return socket;
}
