import { createServer, type RequestListener, type ServerResponse } from "node:http"
import { createServer as createTlsServer } from "node:https"
import { Effect } from "effect"
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose"

type Algorithm = "RS256" | "ES256" | "PS256" | "EdDSA"
interface SigningKey {
  readonly algorithm: Algorithm
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

export interface SignOptions {
  /** In the header. @default none */
  readonly typ?: string
  /** @default RS256 */
  readonly algorithm?: Algorithm
  /** In the header, instead of the key's own; null: none. */
  readonly kid?: string | null
  /** An earlier set of keys, as returned by `keys()`. */
  readonly keys?: ReadonlyArray<SigningKey>
}

let made = 0

const newKeys = (): Promise<ReadonlyArray<SigningKey>> =>
  Promise.all(
    (["RS256", "ES256", "PS256", "EdDSA"] as const).map(async (algorithm) => {
      const { privateKey, publicKey } = await generateKeyPair(algorithm)
      const kid = `${algorithm.toLowerCase()}-${++made}`
      const jwk = { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: "sig" }
      return { algorithm, kid, privateKey, jwk }
    })
  )

const discoveryPath = "/.well-known/openid-configuration"
const keysPath = "/keys"

export interface IssuerOptions {
  /** The path of the issuer's URL, such as `/realms/acme`. @default none */
  readonly path?: string
  /** With a certificate it speaks TLS, and is at `https://localhost`. */
  readonly certificate?: { readonly key: string; readonly cert: string }
}

/**
 * An OpenID Connect issuer on a free port of 127.0.0.1: a discovery document, and a real key for each algorithm. `answers`
 * replaces its answer at a path.
 */
export const makeTestIssuerWith = Effect.fn("makeTestIssuer")(function* ({
  certificate,
  path: base = ""
}: IssuerOptions) {
  let keys = yield* Effect.promise(newKeys)
  let isUp = true
  const asked: Array<string> = []
  const answers = new Map<string, (response: ServerResponse) => void>()

  const listener: RequestListener = (request, response) => {
    const path = (request.url ?? "").replace(base, "")
    asked.push(path)
    if (!isUp) return response.destroy()
    const answer = answers.get(path)
    if (answer !== undefined) return answer(response)
    response.setHeader("content-type", "application/json")
    if (path === discoveryPath) return response.end(JSON.stringify({ issuer, jwks_uri: `${issuer}${keysPath}` }))
    if (path === keysPath) return response.end(JSON.stringify({ keys: keys.map((key) => key.jwk) }))
    response.writeHead(404).end()
  }
  const server = certificate === undefined ? createServer(listener) : createTlsServer(certificate, listener)
  yield* Effect.acquireRelease(
    Effect.async<void>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.void))
    }),
    () =>
      Effect.async<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  const issuer = `${certificate === undefined ? "http://127.0.0.1" : "https://localhost"}:${port}${base}`

  return {
    issuer,
    port,
    discoveryPath,
    keysPath,
    /** Requested paths, in order. */
    asked,
    answers,
    keys: () => keys,
    /** Replaces all keys. */
    rotate: Effect.promise(async () => {
      keys = await newKeys()
    }),
    /** It answers nothing from now on. */
    takeDown: Effect.sync(() => {
      isUp = false
    }),
    bringUp: Effect.sync(() => {
      isUp = true
    }),
    /** A token with these claims. Missing iss, iat (now) and exp (in five minutes) are added; undefined: left out. */
    sign: (claims: Readonly<Record<string, unknown>>, options: SignOptions = {}) =>
      Effect.promise(() => {
        const algorithm = options.algorithm ?? "RS256"
        const key = (options.keys ?? keys).find((each) => each.algorithm === algorithm)
        if (key === undefined) throw new Error(`no key for ${algorithm}`)
        const now = Math.floor(Date.now() / 1000)
        const payload: JWTPayload = { iss: issuer, iat: now, exp: now + 300, ...claims }
        const kid = options.kid === undefined ? key.kid : options.kid
        const { typ } = options
        const header = { alg: algorithm, ...(kid === null ? {} : { kid }), ...(typ === undefined ? {} : { typ }) }
        return new SignJWT(payload).setProtectedHeader(header).sign(key.privateKey)
      })
  }
})

export const makeTestIssuer = makeTestIssuerWith({})

export type TestIssuer = Effect.Effect.Success<typeof makeTestIssuer>
