/** A registry's demand for credentials (RFC 9110, 11.6.1; for Bearer: distribution's token authentication). */
export type Challenge =
  | { readonly scheme: "basic" }
  | {
      readonly scheme: "bearer"
      readonly realm: string
      readonly service: string | undefined
      readonly scope: string | undefined
    }

const part = /[\s,]*([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/y

/** The strongest supported challenge in a `WWW-Authenticate` header; undefined: none. */
export const parseChallenge = (header: string): Challenge | undefined => {
  const found: Array<{ readonly scheme: string; readonly parameters: Map<string, string> }> = []
  part.lastIndex = 0
  for (let match = part.exec(header); match !== null; match = part.exec(header)) {
    const [, name = "", quoted, plain] = match
    const value = quoted?.replace(/\\(.)/g, "$1") ?? plain
    if (value === undefined) found.push({ scheme: name.toLowerCase(), parameters: new Map() })
    else found.at(-1)?.parameters.set(name.toLowerCase(), value)
  }
  const bearer = found.find((each) => each.scheme === "bearer")?.parameters
  const realm = bearer?.get("realm")
  if (realm !== undefined) {
    return { scheme: "bearer", realm, service: bearer?.get("service"), scope: bearer?.get("scope") }
  }
  return found.some((each) => each.scheme === "basic") ? { scheme: "basic" } : undefined
}
