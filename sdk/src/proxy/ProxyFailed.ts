import { Data } from "effect"

/** The proxy can't be used, and nothing was sent to the host behind it. The message contains no credentials. */
export class ProxyFailed extends Data.TaggedError("ProxyFailed")<{
  /** The variable that names the proxy. */
  readonly name: string
  /** The proxy's URL without credentials; undefined if it isn't valid. */
  readonly proxy: string | undefined
  /** The request's host. */
  readonly host: string | undefined
  /** The system's code (`ECONNREFUSED`), or the proxy's status (`407`). */
  readonly code: string
}> {
  /** The failure and the proxy. */
  get problem(): string {
    const { code, host, name, proxy } = this
    if (proxy === undefined) return `${name} doesn't name an HTTP proxy`
    const where = `the proxy ${proxy} (${name})`
    if (code === "407") return `${where} requires a user and a password`
    if (/^\d+$/.test(code)) return `${where} refuses to connect to ${host} (status ${code})`
    return `${where} can't be reached (${code})`
  }
  get fix(): string {
    const { code, host, name, proxy } = this
    if (proxy === undefined)
      return `Use a form like ${name}=http://proxy.example.com:3128, or unset it. SOCKS proxies aren't supported.`
    if (code === "407") return `Set ${name}=${proxy.replace("//", "//USER:PASSWORD@")}, with special characters as %XX.`
    if (/^\d+$/.test(code))
      return `Ask the proxy's operator to allow ${host}, or add it to NO_PROXY if it needs no proxy.`
    return `Check ${name}, or add ${host} to NO_PROXY if it needs no proxy.`
  }
  override get message() {
    return `${this.problem}. ${this.fix}`
  }
}
