/**
 * `Link` to the next page: the same request with another cursor (RFC 8288). Relative, because a proxy may have changed scheme and
 * host.
 */
export const nextPage = (url: string, cursor: string): string => {
  const next = new URL(url, "http://localhost")
  next.searchParams.set("cursor", cursor)
  return `<${next.pathname}${next.search}>; rel="next"`
}
