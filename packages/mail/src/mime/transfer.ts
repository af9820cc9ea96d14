import { readFields } from './fields.ts'
import { type MessageStructure, type Part, rootPart } from './structure.ts'

/**
 * The message with Base64 in those of its parts whose octets no line protocol can carry: RFC 3516 §4.4 lets a server choose the
 * encoding it keeps for what came as binary. The same bytes when nothing has to change.
 */
export function encodeBinaryParts(bytes: Buffer, structure: MessageStructure): Buffer {
  if (!bytes.includes(0)) return bytes
  const changes = leaves(structure)
    .filter(({ bodyStart, end }) => bytes.subarray(bodyStart, end).includes(0))
    .flatMap(part => encoded(bytes, part, part === rootPart(structure)))
  const pieces: Buffer[] = []
  let at = 0
  for (const { start, end, replacement } of changes) {
    pieces.push(bytes.subarray(at, start), replacement)
    at = end
  }
  return Buffer.concat([...pieces, bytes.subarray(at)])
}

/** Parts that hold content of their own, in document order, those of nested messages included. */
function leaves(structure: MessageStructure): readonly Part[] {
  // Offsets inside an encoded part are none of the message's.
  if (structure.isDecoded) return []
  return structure.parts.flatMap(part => {
    if (part.message !== null) return leaves(part.message)
    const isUnencoded = part.encoding !== 'base64' && part.encoding !== 'quoted-printable'
    return part.children.length === 0 && isUnencoded ? [part] : []
  })
}

interface Change {
  readonly start: number
  readonly end: number
  readonly replacement: Buffer
}

function encoded(bytes: Buffer, { headerStart, bodyStart, end }: Part, isRoot: boolean): Change[] {
  const field = readFields(bytes, headerStart, bodyStart, isRoot).find(({ name }) => name === 'content-transfer-encoding')
  const line = Buffer.from('Content-Transfer-Encoding: base64\r\n')
  const place = field ?? { start: headerStart, end: headerStart }
  const lines = bytes.subarray(bodyStart, end).toString('base64').replace(/.{76}/g, '$&\r\n')
  return [
    { start: place.start, end: place.end, replacement: line },
    { start: bodyStart, end, replacement: Buffer.from(lines.endsWith('\r\n') ? lines : `${lines}\r\n`) },
  ]
}
