/**
 * `Link` to the page after this one: the same request with another cursor (RFC 8288). It has no host and scheme, because a proxy may have
 * changed them.
 */
export const nextPage = (url: string, cursor: string): string => {
  const next = new URL(url, "http://localhost")
  next.searchParams.set("cursor", cursor)
  return `<${next.pathname}${next.search}>; rel="next"`
}
