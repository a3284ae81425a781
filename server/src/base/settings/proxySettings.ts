import { onOff } from "./forms.ts"
import { setting } from "./setting.ts"

/** How the server goes through the proxy that `HTTPS_PROXY` names. */
export const proxySettings = {
  proxyChecksAddresses: setting("MAXCLOUD_PROXY_CHECKS_ADDRESSES", onOff, {
    default: "false",
    text: "Does the proxy of `HTTPS_PROXY` refuse private addresses itself? Then it is given registries and OIDC issuers by name. Else the server resolves them, checks their addresses, and asks the proxy for the address that it checked; see docs/proxies.md."
  })
}
