import { BinaryWriter } from '@bufbuild/protobuf/wire';

/** What a generated codec has. */
interface Codec<Message> {
  encode(message: Message, writer?: BinaryWriter): BinaryWriter;
}

/** A writer keeps the room of its largest message: that of larger ones is given back. */
const keptBytesMax = 512 * 1024;

// One for all messages of a thread: a writer of its own would double its room from 128 bytes on, each time anew.
let writer = new BinaryWriter();

/**
 * The message as protobuf, in memory of its own.
 *
 * @throws Error for a message with a value that its field cannot have
 */
export function encode<Message>(codec: Codec<Message>, message: Message): Uint8Array<ArrayBuffer> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = codec.encode(message, writer).finish() as Uint8Array<ArrayBuffer>;
  } catch (error) {
    // It holds half a message.
    writer = new BinaryWriter();
    throw error;
  }
  if (bytes.length > keptBytesMax) writer = new BinaryWriter();
  return bytes;
}
