/** Largest page that is answered, whatever is asked for. */
const maxPageSize = 10_000

/** `page` counts from 1. Without limit there is one page of the default size. */
export function pageOf(
  { page = 1, limit = 0 }: { readonly page?: number; readonly limit?: number },
  defaultSize: number = maxPageSize,
): { readonly skip: number; readonly limit: number } {
  const size = limit === 0 ? defaultSize : Math.min(limit, maxPageSize)
  return { skip: Math.min((Math.max(1, page) - 1) * size, Number.MAX_SAFE_INTEGER), limit: size }
}
