import { onOff } from "./forms.ts"
import { setting } from "./setting.ts"

/** How the server uses the proxy in `HTTPS_PROXY`. */
export const proxySettings = {
  proxyChecksAddresses: setting("MAXCLOUD_PROXY_CHECKS_ADDRESSES", onOff, {
    default: "false",
    text: "Whether the proxy of `HTTPS_PROXY` refuses private addresses itself. If so, it gets registries and OIDC issuers by name. Otherwise the server resolves them, checks their addresses, and passes the checked address to the proxy; see docs/proxies.md."
  })
}
