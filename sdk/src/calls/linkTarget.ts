/** The target of the link with this relation in a `Link` header (RFC 8288). Our server writes no commas into targets. */
export const linkTarget = (header: string | undefined, relation: string): string | undefined => {
  for (const link of (header ?? "").split(",")) {
    const [target = "", ...parameters] = link.split(";").map((part) => part.trim())
    if (parameters.includes(`rel="${relation}"`) && target.startsWith("<") && target.endsWith(">"))
      return target.slice(1, -1)
  }
  return undefined
}
