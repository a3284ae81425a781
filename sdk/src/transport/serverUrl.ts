/** The environment, which browsers don't have. */
export const variable = (name: string): string | undefined =>
  typeof process === "undefined" ? undefined : process.env[name]

/** The default server: `MAXCLOUD_API_URL`, else port 8080 of this machine. */
export const defaultApiUrl = (): string => {
  const given = variable("MAXCLOUD_API_URL")
  return given === undefined || given === "" ? "http://127.0.0.1:8080" : given
}

/** Whether it is a valid server URL: absolute, http or https, and paths can be appended. */
export const isServerUrl = (apiUrl: string): boolean => {
  if (!URL.canParse(apiUrl) || !["http://", "https://"].some((start) => apiUrl.toLowerCase().startsWith(start))) {
    return false
  }
  const { hash, search } = new URL(apiUrl)
  return hash === "" && search === "" && !apiUrl.includes(" ") && !apiUrl.endsWith("?") && !apiUrl.endsWith("#")
}

/** Whether it's safe to send a credential there: encrypted, or within this machine. */
export const isSafeForTokens = (apiUrl: string): boolean => {
  if (variable("MAXCLOUD_INSECURE") === "1" || !URL.canParse(apiUrl)) return true
  const { hostname, protocol } = new URL(apiUrl)
  return protocol !== "http:" || /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
}
