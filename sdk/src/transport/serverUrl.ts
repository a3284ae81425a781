/** Browsers have no environment. */
export const variable = (name: string): string | undefined =>
  typeof process === "undefined" ? undefined : process.env[name]

/** Where a server is by default: `MAXCLOUD_API_URL`, else port 8080 of this machine. */
export const defaultApiUrl = (): string => {
  const given = variable("MAXCLOUD_API_URL")
  return given === undefined || given === "" ? "http://127.0.0.1:8080" : given
}

/** Can a server be there: an absolute URL of http or https, to which paths can be appended? */
export const isServerUrl = (apiUrl: string): boolean => {
  if (!URL.canParse(apiUrl) || !["http://", "https://"].some((start) => apiUrl.toLowerCase().startsWith(start))) {
    return false
  }
  const { hash, search } = new URL(apiUrl)
  return hash === "" && search === "" && !apiUrl.includes(" ") && !apiUrl.endsWith("?") && !apiUrl.endsWith("#")
}

/** May a credential be sent there: encrypted, or not over any wire? */
export const isSafeForTokens = (apiUrl: string): boolean => {
  if (variable("MAXCLOUD_INSECURE") === "1" || !URL.canParse(apiUrl)) return true
  const { hostname, protocol } = new URL(apiUrl)
  return protocol !== "http:" || /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
}
