export function double(number: number): number {
  return number * 2
}

export function fail(reason: string): never {
  throw new Error(reason)
}
