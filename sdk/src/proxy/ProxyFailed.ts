import { Data } from "effect"

/** A proxy that can't be used: nothing was sent to the host behind it. Its message holds no credentials. */
export class ProxyFailed extends Data.TaggedError("ProxyFailed")<{
  /** The variable that names the proxy. */
  readonly name: string
  /** Without credentials; undefined if it isn't a URL of a proxy. */
  readonly proxy: string | undefined
  /** The host that the request was meant for. */
  readonly host: string | undefined
  /** As the system calls it (`ECONNREFUSED`), or the status that the proxy answered with (`407`). */
  readonly code: string
}> {
  /** The failure, and where it happened. */
  get problem(): string {
    const { code, host, name, proxy } = this
    if (proxy === undefined) return `${name} doesn't name an HTTP proxy`
    const where = `the proxy ${proxy} (${name})`
    if (code === "407") return `${where} asks for a user and a password`
    if (/^\d+$/.test(code)) return `${where} refuses to connect to ${host} (status ${code})`
    return `${where} can't be reached (${code})`
  }
  get fix(): string {
    const { code, host, name, proxy } = this
    if (proxy === undefined)
      return `Write it as ${name}=http://proxy.example.com:3128, or unset it. SOCKS proxies aren't supported.`
    if (code === "407") return `Set ${name}=${proxy.replace("//", "//USER:PASSWORD@")}, with special characters as %XX.`
    if (/^\d+$/.test(code))
      return `Ask the proxy's operator to allow ${host}, or add it to NO_PROXY if it needs no proxy.`
    return `Check ${name}, or add ${host} to NO_PROXY if it needs no proxy.`
  }
  override get message() {
    return `${this.problem}. ${this.fix}`
  }
}
