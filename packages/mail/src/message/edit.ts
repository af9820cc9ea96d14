import { readFields } from '#mime'

/** Whether the header has a field of this name, in any case. */
export function hasField(message: Buffer, name: string): boolean {
  const wanted = name.toLowerCase()
  return readFields(message).some(field => field.name === wanted)
}

/** The message without the fields of these names; the same buffer when there are none. Finds what every reader of the message finds. */
export function removeFields(message: Buffer, names: readonly string[]): Buffer {
  const unwanted = new Set(names.map(name => name.toLowerCase()))
  const kept: Buffer[] = []
  let from = 0
  for (const { name, start, end } of readFields(message)) {
    if (!unwanted.has(name)) continue
    kept.push(message.subarray(from, start))
    from = end
  }
  if (from === 0) return message
  return Buffer.concat([...kept, message.subarray(from)])
}
