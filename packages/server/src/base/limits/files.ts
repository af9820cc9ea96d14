import { constants, open } from 'node:fs/promises'

/**
 * The bytes of a file that somebody named. Rejects with what is wrong with it: a device or a pipe would never end, and a file may grow or say
 * nothing of its size.
 */
export async function readBoundedFile(path: string, maxBytes: number): Promise<Buffer> {
  // A pipe without a writer would not even open.
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  if (!(await file.stat()).isFile()) throw new Error(`${path} is no regular file`)
  const chunks: Buffer[] = []
  let size = 0
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(chunkBytes))
    if (bytesRead === 0) return Buffer.concat(chunks)
    size += bytesRead
    if (size > maxBytes) throw new Error(`${path} is longer than ${maxBytes} bytes`)
    chunks.push(buffer.subarray(0, bytesRead))
  }
}

const chunkBytes = 64 * 1024
