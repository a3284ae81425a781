import { Config } from "effect"
import { from, type Settings, Switch } from "./setting.ts"

/** How the server goes through the proxy that `HTTPS_PROXY` names. */
export interface ProxySettings {
  /** Does the proxy refuse private addresses, so that it may be given the hosts that tenants choose by name? */
  readonly proxyChecksAddresses: boolean
}

export const proxySettings: Settings<ProxySettings> = {
  proxyChecksAddresses: {
    name: "MAXCLOUD_PROXY_CHECKS_ADDRESSES",
    config: from("MAXCLOUD_PROXY_CHECKS_ADDRESSES", Switch, 'write "true" or "false"').pipe(Config.withDefault(false)),
    default: "false",
    description:
      "Does the proxy of `HTTPS_PROXY` refuse private addresses itself? Then it is given registries and OIDC issuers by name. Else the server resolves them, checks their addresses, and asks the proxy for the address that it checked; see docs/proxies.md."
  }
}

export const proxyConfig: Config.Config<ProxySettings> = Config.all({
  proxyChecksAddresses: proxySettings.proxyChecksAddresses.config
})
