import type { Reach } from "@maxcloud/config-schema"
import { decodeUtf8, withoutByteOrderMark } from "@maxcloud/config-schema/plain"
import { ProxyFailed } from "@maxcloud/sdk/proxy"
import { Data, Effect, Schema } from "effect"
import { Agent, request } from "undici"
import { errorCode } from "../../../base/node/errorCode.ts"
import { checkedLookup, isLoopbackHost, isRefusedAddress, NotPublic } from "../../../base/outbound/checkedLookup.ts"
import { type ProxiedOptions, proxiedConnector, Unchecked } from "../../../base/outbound/proxiedConnections.ts"

/**
 * A problem with an issuer. `refused`: we never ask it. `unreachable`: it doesn't answer, or not as it should, which may
 * pass. `wrong`: its documents break OpenID Connect Discovery.
 */
export class IssuerProblem extends Data.TaggedError("IssuerProblem")<{
  readonly reason: "refused" | "unreachable" | "wrong"
  readonly message: string
}> {}

/** The maximum size of a document in bytes: key sets have a few KiB. */
const maxDocumentBytes = 1_048_576
const Discovery = Schema.parseJson(Schema.Struct({ issuer: Schema.String, jwks_uri: Schema.String }))
const decodeDiscovery = Schema.decodeUnknownOption(Discovery)
const KeySet = Schema.parseJson(
  Schema.Struct({ keys: Schema.Array(Schema.Record({ key: Schema.String, value: Schema.Unknown })) })
)
const decodeKeySet = Schema.decodeUnknownOption(KeySet)
export type KeySet = typeof KeySet.Type

const reachOf = (allowPrivate: boolean): Reach => (allowPrivate ? "private" : "public")

/** https; or http, if both the issuer and the URLs it names are on this machine. */
const isAllowedScheme = (url: URL, plainHttp: boolean) =>
  url.protocol === "https:" || (url.protocol === "http:" && plainHttp && isLoopbackHost(url.hostname))

/** The issuer's URL (OpenID Connect Discovery 1.0, 3): https, without a query, a fragment or a user name. */
const issuerUrl = (issuer: string, allowPrivate: boolean): URL => {
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined
  if (
    url === undefined ||
    !/^[!-~]+$/.test(issuer) ||
    /[?#]/.test(issuer) ||
    url.username !== "" ||
    url.password !== ""
  ) {
    throw new IssuerProblem({
      reason: "refused",
      message: 'an issuer is a URL without a query or fragment, such as "https://token.actions.githubusercontent.com"'
    })
  }
  if (!isAllowedScheme(url, allowPrivate)) {
    throw new IssuerProblem({ reason: "refused", message: `the issuer ${issuer} isn't an https URL` })
  }
  return url
}

/** Node's conversion would replace invalid bytes, in texts that are compared. */
const utf8Of = (url: URL, bytes: Uint8Array): string => {
  const decoded = decodeUtf8(bytes)
  if ("text" in decoded) return withoutByteOrderMark(decoded.text)
  throw wrong(`${url} isn't UTF-8`)
}

export interface IssuerOptions extends Partial<ProxiedOptions> {
  /** Can an issuer be at a private address, on loopback even without TLS? Link-local addresses are never allowed. */
  readonly allowPrivateIssuers: boolean
  /** How long both documents may take together. @default 5 seconds */
  readonly timeoutMs?: number
  /**
   * How long to trust keys without fetching them again: a key that the issuer withdraws is valid no longer than this.
   * @default 10 minutes
   */
  readonly cacheMaxAgeMs?: number
  /** The minimum time between two fetches for unknown keys. @default 30 seconds */
  readonly cooldownMs?: number
}

/** Documents that issuers publish: fetched within bounds, from permitted addresses. */
export interface IssuerDocuments {
  /** The present keys of an issuer, through its discovery document. */
  readonly keySet: (issuer: string, signal?: AbortSignal) => Promise<KeySet>
}

export const makeIssuerDocuments = ({
  allowPrivateIssuers: allowPrivate,
  environment,
  proxyChecksAddresses = false,
  timeoutMs = 5_000
}: IssuerOptions) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(
        () =>
          new Agent({
            connect: proxiedConnector(
              { lookup: checkedLookup(reachOf(allowPrivate)), timeout: timeoutMs },
              { environment, proxyChecksAddresses }
            ),
            maxResponseSize: maxDocumentBytes,
            headersTimeout: timeoutMs,
            bodyTimeout: timeoutMs,
            keepAliveTimeout: 1_000
          })
      ),
      (agent) => Effect.promise(() => agent.destroy())
    ),
    (agent): IssuerDocuments => {
      const read = async (url: URL, signal: AbortSignal) => {
        if (isRefusedAddress(url, reachOf(allowPrivate))) throw privateAddress(url)
        try {
          const headers = { accept: "application/json, application/jwk-set+json", "accept-encoding": "identity" }
          const response = await request(url, { dispatcher: agent, signal, headers })
          if (response.statusCode === 200) return utf8Of(url, await response.body.bytes())
          response.body.on("error", () => {}).destroy()
          throw problemOfStatus(url, response.statusCode)
        } catch (error) {
          throw error instanceof IssuerProblem ? error : problemOf(url, error)
        }
      }

      return {
        keySet: async (issuer, signal = AbortSignal.timeout(timeoutMs)) => {
          const url = issuerUrl(issuer, allowPrivate)
          const at = new URL(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`)
          const discovery = decodeDiscovery(await read(at, signal))
          if (discovery._tag === "None") throw wrong(`${at} isn't a discovery document: it needs issuer and jwks_uri`)
          const { issuer: named, jwks_uri } = discovery.value
          if (named !== issuer) {
            throw wrong(
              `${at} names the issuer "${named.slice(0, 200)}" instead of "${issuer}". They must match exactly.`
            )
          }
          const jwksUri = URL.canParse(jwks_uri) ? new URL(jwks_uri) : undefined
          if (jwksUri === undefined || !isAllowedScheme(jwksUri, url.protocol === "http:")) {
            throw wrong(`${at} names a jwks_uri that isn't an https URL`)
          }
          const keys = decodeKeySet(await read(jwksUri, signal))
          if (keys._tag === "None") throw wrong(`${jwksUri} isn't a JSON Web Key Set`)
          return keys.value
        }
      }
    }
  )

const wrong = (message: string) => new IssuerProblem({ reason: "wrong", message })

const problemOfStatus = (url: URL, status: number) =>
  status >= 300 && status < 400
    ? wrong(`${url} redirects, and redirects aren't followed`)
    : new IssuerProblem({ reason: "unreachable", message: `${url} returned ${status}` })

const privateAddress = (url: URL) =>
  new IssuerProblem({
    reason: "refused",
    message: `${url.hostname} is at an address that isn't on the public internet. If that's intended, the server's operator can set MAXCLOUD_OIDC_PRIVATE_ISSUERS=true`
  })

const problemOf = (url: URL, error: unknown): IssuerProblem => {
  if (error instanceof NotPublic) return privateAddress(url)
  if (error instanceof Unchecked) return new IssuerProblem({ reason: "unreachable", message: error.message })
  if (error instanceof ProxyFailed) {
    const message = `${url} doesn't answer through the server's proxy (${error.name} of the server: ${error.code})`
    return new IssuerProblem({ reason: "unreachable", message })
  }
  const code = errorCode(error)
  if (code === "UND_ERR_RES_EXCEEDED_MAX_SIZE") return wrong(`${url} is larger than ${maxDocumentBytes} bytes`)
  const late = error instanceof Error && error.name === "TimeoutError"
  return new IssuerProblem({
    reason: "unreachable",
    message: `${url} ${late ? "timed out" : `is unreachable (${code ?? "no connection"})`}`
  })
}
