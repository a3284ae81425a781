import { readFile } from "node:fs/promises"
import { proxiedFetch } from "@maxcloud/sdk/proxy"
import { Data, Effect, Redacted, Schedule, Schema } from "effect"
import { fetchReason } from "../node/fetchReason.ts"
import type { KeySettings } from "../settings/keySettings.ts"
import { type MasterKey, MasterKeyError } from "./MasterKey.ts"

const fetch = proxiedFetch()

export interface VaultOptions extends Partial<KeySettings> {
  readonly vaultAddress: string
}

const timeoutMs = 5_000
const retries = 3

const Encrypted = Schema.Struct({ data: Schema.Struct({ ciphertext: Schema.String }) })
const Decrypted = Schema.Struct({ data: Schema.Struct({ plaintext: Schema.String }) })
const Refused = Schema.Struct({ errors: Schema.Array(Schema.String) })

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64")
const versionOf = (ciphertext: string) => /^vault:(v[1-9]\d*):/.exec(ciphertext)?.[1]

/** A failure that may pass by itself: too many requests, or a server that's sealed, on standby or unreachable. */
class Passing extends Data.TaggedError("Passing")<{ readonly message: string }> {}

const unreachable = (message: string) => new MasterKeyError({ reason: "unreachable", message })

interface TransitKey {
  readonly address: string
  readonly mount: string
  readonly key: string
}

const tokenOf = ({ vaultToken, vaultTokenFile }: VaultOptions) =>
  Effect.gen(function* () {
    if (vaultTokenFile !== undefined) {
      return yield* Effect.tryPromise({
        try: async () => (await readFile(vaultTokenFile, "utf8")).trim(),
        catch: (cause) =>
          unreachable(
            `Couldn't read the token in MAXCLOUD_VAULT_TOKEN_FILE: ${cause instanceof Error ? cause.message : String(cause)}`
          )
      })
    }
    if (vaultToken !== undefined) return Redacted.value(vaultToken)
    return yield* new MasterKeyError({
      reason: "missing",
      message: "No token for the master key's server is set. Set MAXCLOUD_VAULT_TOKEN_FILE or MAXCLOUD_VAULT_TOKEN."
    })
  })

const headersOf = (options: VaultOptions) =>
  Effect.map(tokenOf(options), (token) => ({
    "content-type": "application/json",
    "x-vault-token": token,
    "x-vault-request": "true",
    ...(options.vaultNamespace === undefined ? {} : { "x-vault-namespace": options.vaultNamespace })
  }))

/** The meaning of an answer other than 200. */
const refusal = (
  { address, key, mount }: TransitKey,
  status: number,
  body: unknown,
  operation: string
): Passing | MasterKeyError => {
  const [error = ""] = Schema.is(Refused)(body) ? body.errors : []
  const said =
    error === "" ? `status ${status}` : `status ${status}, ${error.replace(/\s+/g, " ").trim().slice(0, 200)}`
  if (status === 503) {
    return new Passing({
      message: `The server of the master key, ${address}, is sealed or not ready (${said}).`
    })
  }
  if (status === 429 || status >= 500) {
    return new Passing({ message: `The server of the master key, ${address}, can't answer (${said}).` })
  }
  if (status === 403) {
    return unreachable(
      `${address} refuses the token for the master key: it has expired, or its policy doesn't allow "update" on "${mount}/${operation}/${key}".`
    )
  }
  if (status >= 300 && status < 400) {
    return unreachable(`${address} redirects requests. Set MAXCLOUD_VAULT_ADDR to the active server's URL.`)
  }
  if (status === 404 || /key not found/.test(error)) {
    return new MasterKeyError({
      reason: "missing",
      message: `The transit key "${key}" doesn't exist at "${mount}" of ${address} (${said}). Create it: \`bao write -f ${mount}/keys/${key}\`.`
    })
  }
  return new MasterKeyError({
    reason: "wrong",
    message: `${address} doesn't ${operation} a data key: ${said}.`
  })
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

type Operation = "encrypt" | "decrypt"

const send = (at: TransitKey, headers: Readonly<Record<string, string>>, operation: Operation, body: object) =>
  Effect.tryPromise({
    try: async (signal) => {
      const response = await fetch(`${at.address}/v1/${at.mount}/${operation}/${at.key}`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
        // Don't follow it: the token is only for this server.
        redirect: "manual",
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
      })
      const text = await response.text()
      return { status: response.status, json: parsed(text) }
    },
    catch: (cause) =>
      new Passing({
        message: `The server of the master key, ${at.address}, doesn't answer: ${fetchReason(cause)}.`
      })
  })

const noTransit = ({ address }: TransitKey) => unreachable(`${address} answers, but isn't a transit engine.`)

/**
 * Sends a request to the server, with retries if they may help. Reads the token each time, because its file may have
 * changed.
 */
const post = <A, I>(
  options: VaultOptions,
  at: TransitKey,
  operation: Operation,
  body: object,
  answer: Schema.Schema<A, I>
) =>
  Effect.gen(function* () {
    const { json, status } = yield* send(at, yield* headersOf(options), operation, body)
    if (status !== 200) return yield* Effect.fail(refusal(at, status, json, operation))
    return yield* Schema.decodeUnknown(answer)(json).pipe(Effect.mapError(() => noTransit(at)))
  }).pipe(
    Effect.retry({
      while: (each) => each._tag === "Passing",
      times: retries,
      schedule: Schedule.jittered(Schedule.exponential("100 millis"))
    }),
    Effect.catchTag("Passing", ({ message }) => unreachable(message))
  )

const idOf = ({ key, mount }: TransitKey, version: string) => `vault:${mount}/${key}:${version}`

const wrap = (options: VaultOptions, at: TransitKey, key: Uint8Array, context: string) =>
  Effect.gen(function* () {
    const body = { plaintext: base64(key), associated_data: base64(Buffer.from(context)) }
    const { data } = yield* post(options, at, "encrypt", body, Encrypted)
    const version = versionOf(data.ciphertext)
    if (version === undefined) return yield* noTransit(at)
    return { masterKeyId: idOf(at, version), bytes: Buffer.from(data.ciphertext) }
  })

const unwrap = (options: VaultOptions, at: TransitKey, bytes: Uint8Array, context: string) => {
  const body = { ciphertext: Buffer.from(bytes).toString(), associated_data: base64(Buffer.from(context)) }
  return Effect.map(post(options, at, "decrypt", body, Decrypted), ({ data }) => Buffer.from(data.plaintext, "base64"))
}

const probe = Buffer.alloc(32, 1)
const probeContext = "maxcloud/probe"

/**
 * The master key in the transit engine of OpenBao: it never leaves that server. API: OpenBao, "Transit secrets engine
 * (API)"; the same as HashiCorp Vault's. The context of a data key is its `associated_data`.
 */
export const vaultMasterKey = (options: VaultOptions): Effect.Effect<MasterKey["Type"], MasterKeyError> =>
  Effect.gen(function* () {
    const { vaultAddress: address, vaultKey: key = "maxcloud", vaultMount: mount = "transit" } = options
    const at: TransitKey = { address, mount, key }
    const name = `the transit key ${mount}/${key} of ${address}`
    // Try the token, the key, its type and both rights before anything relies on them.
    const tried = yield* wrap(options, at, probe, probeContext)
    if (!(yield* unwrap(options, at, tried.bytes, probeContext)).equals(probe)) {
      return yield* new MasterKeyError({ reason: "wrong", message: `${name} doesn't unwrap what it has wrapped.` })
    }
    return {
      name,
      presentId: Effect.map(wrap(options, at, probe, probeContext), (found) => found.masterKeyId),
      holds: (masterKeyId) => masterKeyId.startsWith(idOf(at, "v")),
      wrap: (bytes, context) => wrap(options, at, bytes, context),
      unwrap: ({ bytes }, context) => unwrap(options, at, bytes, context)
    }
  })
