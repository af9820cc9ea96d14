// Bounds the bytes under way: who comes when there is no room waits in line.

export interface Admission {
  /** Resolves when there is room. Something larger than the whole room enters alone. */
  enter(bytes: number): Promise<void>
  leave(bytes: number): void
  held(): number
  /** Resolves when nobody is inside or in line. */
  empty(): Promise<void>
}

export function createAdmission(room: number): Admission {
  let held = 0
  const line: { readonly bytes: number; readonly enter: () => void }[] = []
  let whenEmpty: (() => void)[] = []

  const fits = (bytes: number): boolean => held === 0 || held + bytes <= room

  return {
    enter(bytes) {
      if (line.length === 0 && fits(bytes)) {
        held += bytes
        return Promise.resolve()
      }
      return new Promise(resolve => line.push({ bytes, enter: resolve }))
    },
    leave(bytes) {
      held -= bytes
      for (let next = line[0]; next && fits(next.bytes); next = line[0]) {
        line.shift()
        held += next.bytes
        next.enter()
      }
      if (held > 0 || line.length > 0) return
      const told = whenEmpty
      whenEmpty = []
      for (const tell of told) tell()
    },
    held: () => held,
    empty: () => (held === 0 && line.length === 0 ? Promise.resolve() : new Promise(resolve => whenEmpty.push(resolve))),
  }
}
