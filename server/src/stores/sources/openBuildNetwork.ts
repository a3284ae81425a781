import { chmod, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { getCACertificates } from "node:tls"
import { readProxy } from "@maxcloud/sdk/proxy"
import { mayHoldPassword, noProxyName, proxyName } from "../../base/host/proxyNames.ts"
import { type Relay, startRelay } from "../../base/outbound/startRelay.ts"

export interface BuildNetwork extends AsyncDisposable {
  readonly environment: Readonly<Record<string, string>>
}

/** Those that only package managers read. */
const proxyOfTool = /^(npm_config_(https?_)?proxy|yarn_https?_proxy|pip_proxy)$/i
const noProxyOfTool = /^npm_config_noproxy$/i

/** Tools disagree on the case: curl reads `http_proxy` in lower case only, others in upper case only. */
const inBothCases = (names: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(names).flatMap(([name, value]) => {
      if (!proxyName.test(name) && !noProxyName.test(name)) return [[name, value]]
      const [lower, upper] = [name.toLowerCase(), name.toUpperCase()]
      return [
        [lower, names[lower] ?? value],
        [upper, names[upper] ?? value]
      ]
    })
  )

/**
 * Variables for tools that don't read `NODE_EXTRA_CA_CERTS`. Each replaces the known authorities, so its file also
 * contains those.
 */
const authorityNames = [
  "SSL_CERT_FILE",
  "PIP_CERT",
  "REQUESTS_CA_BUNDLE",
  "CURL_CA_BUNDLE",
  "GIT_SSL_CAINFO",
  "CARGO_HTTP_CAINFO"
]

const certificate = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

const authoritiesOf = async (environment: NodeJS.ProcessEnv, folder: string): Promise<Record<string, string>> => {
  const file = environment["NODE_EXTRA_CA_CERTS"] ?? ""
  // Like Node, which only warns: a build may work without it.
  const extra = file === "" ? [] : ((await readFile(file, "utf8").catch(() => "")).match(certificate) ?? [])
  if (extra.length === 0) return {}
  const write = async (name: string, certificates: ReadonlyArray<string>) => {
    const path = join(folder, name)
    await writeFile(path, `${certificates.join("\n")}\n`)
    // The operator's own file may be closed to the builder.
    await chmod(path, 0o644)
    return path
  }
  const known = [...getCACertificates("bundled"), ...getCACertificates("system")]
  const all = await write("authorities.pem", [...new Set([...known.map((text) => text.trim()), ...extra])])
  const wanted = authorityNames.filter((name) => environment[name] === undefined)
  return {
    ...Object.fromEntries(wanted.map((name) => [name, all])),
    NODE_EXTRA_CA_CERTS: await write("extra-authorities.pem", extra)
  }
}

/**
 * Connects a build's commands to the network: the operator's proxies and authorities, also under the names that other
 * tools read. A proxy with credentials is reached through a relay for the duration of the build, because a build runs
 * other people's scripts. `folder` is readable for builds.
 */
export const openBuildNetwork = async (environment: NodeJS.ProcessEnv, folder: string): Promise<BuildNetwork> => {
  const given = Object.entries(environment).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [[name, value] as const]
  )
  let relay: Relay | undefined
  const proxies: Record<string, string> = {}
  for (const [name, value] of given) {
    if (noProxyName.test(name) || noProxyOfTool.test(name)) proxies[name] = value
    if (!proxyName.test(name) && !proxyOfTool.test(name)) continue
    if (!mayHoldPassword(value)) {
      proxies[name] = value
      continue
    }
    try {
      const proxy = readProxy(name, value)
      relay ??= await startRelay()
      proxies[name] = relay.urlOf(proxy)
    } catch {
      // It can't be relayed, and nobody here may see its password.
    }
  }
  const isProxied = Object.keys(proxies).some((name) => /^https?_proxy$/i.test(name))
  return {
    environment: {
      ...inBothCases(proxies),
      ...(isProxied ? { NODE_USE_ENV_PROXY: "1" } : {}),
      ...(await authoritiesOf(environment, folder))
    },
    [Symbol.asyncDispose]: async () => relay?.[Symbol.asyncDispose]()
  }
}
