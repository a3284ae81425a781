import { readFile } from "node:fs/promises"
import { proxiedFetch } from "@maxcloud/sdk/proxy"
import { Data, Effect, Redacted, Schedule, Schema } from "effect"
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

/** An answer other than 200 may pass by itself: too many requests, a server that is sealed, on standby or away. */
class Passing extends Data.TaggedError("Passing")<{ readonly message: string }> {}

const unreachable = (message: string) => new MasterKeyError({ reason: "unreachable", message })

/**
 * The master key in the transit engine of OpenBao: it never leaves that server. API: OpenBao, "Transit secrets engine (API)"; the same as
 * HashiCorp Vault's. The context of a data key is its `associated_data`.
 */
export const vaultMasterKey = (options: VaultOptions): Effect.Effect<MasterKey["Type"], MasterKeyError> =>
  Effect.gen(function* () {
    const { vaultAddress, vaultKey = "maxcloud", vaultMount = "transit", vaultNamespace, vaultTokenFile } = options
    const name = `the transit key ${vaultMount}/${vaultKey} of ${vaultAddress}`

    const token = Effect.gen(function* () {
      if (vaultTokenFile !== undefined) {
        return yield* Effect.tryPromise({
          try: async () => (await readFile(vaultTokenFile, "utf8")).trim(),
          catch: (cause) =>
            unreachable(
              `The token in MAXCLOUD_VAULT_TOKEN_FILE cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`
            )
        })
      }
      if (options.vaultToken !== undefined) return Redacted.value(options.vaultToken)
      return yield* new MasterKeyError({
        reason: "missing",
        message: "There is no token for the master key's server: set MAXCLOUD_VAULT_TOKEN_FILE or MAXCLOUD_VAULT_TOKEN."
      })
    })

    const refusal = (status: number, body: unknown, operation: string): Passing | MasterKeyError => {
      const [error = ""] = Schema.is(Refused)(body) ? body.errors : []
      const said =
        error === "" ? `status ${status}` : `status ${status}, ${error.replace(/\s+/g, " ").trim().slice(0, 200)}`
      if (status === 503) {
        return new Passing({
          message: `The server of the master key, ${vaultAddress}, is sealed or not ready (${said}).`
        })
      }
      if (status === 429 || status >= 500) {
        return new Passing({ message: `The server of the master key, ${vaultAddress}, cannot answer (${said}).` })
      }
      if (status === 403) {
        return unreachable(
          `${vaultAddress} refuses the token for the master key: it has expired, or its policy does not allow "update" on "${vaultMount}/${operation}/${vaultKey}".`
        )
      }
      if (status >= 300 && status < 400) {
        return unreachable(
          `${vaultAddress} sends requests elsewhere: set MAXCLOUD_VAULT_ADDR to the active server's URL.`
        )
      }
      if (status === 404 || /key not found/.test(error)) {
        return new MasterKeyError({
          reason: "missing",
          message: `There is no transit key "${vaultKey}" at "${vaultMount}" of ${vaultAddress} (${said}). Make it: \`bao write -f ${vaultMount}/keys/${vaultKey}\`.`
        })
      }
      return new MasterKeyError({
        reason: "wrong",
        message: `${vaultAddress} does not ${operation} a data key: ${said}.`
      })
    }

    const post = <A, I>(operation: "encrypt" | "decrypt", body: object, answer: Schema.Schema<A, I>) =>
      Effect.gen(function* () {
        const headers = {
          "content-type": "application/json",
          "x-vault-token": yield* token,
          "x-vault-request": "true",
          ...(vaultNamespace === undefined ? {} : { "x-vault-namespace": vaultNamespace })
        }
        const { json, status } = yield* Effect.tryPromise({
          try: async (signal) => {
            const response = await fetch(`${vaultAddress}/v1/${vaultMount}/${operation}/${vaultKey}`, {
              method: "POST",
              headers,
              body: JSON.stringify(body),
              // Not followed: the token is for this server alone.
              redirect: "manual",
              signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
            })
            const text = await response.text()
            return { status: response.status, json: parsed(text) }
          },
          catch: (cause) =>
            new Passing({
              message: `The server of the master key, ${vaultAddress}, does not answer: ${reasonOf(cause)}.`
            })
        })
        if (status !== 200) return yield* Effect.fail(refusal(status, json, operation))
        return yield* Schema.decodeUnknown(answer)(json).pipe(
          Effect.mapError(() => unreachable(`${vaultAddress} answers, but isn't a transit engine.`))
        )
      }).pipe(
        Effect.retry({
          while: (_) => _._tag === "Passing",
          times: retries,
          schedule: Schedule.jittered(Schedule.exponential("100 millis"))
        }),
        Effect.catchTag("Passing", ({ message }) => unreachable(message))
      )

    const id = (version: string) => `vault:${vaultMount}/${vaultKey}:${version}`
    const wrap = (key: Uint8Array, context: string) =>
      Effect.gen(function* () {
        const body = { plaintext: base64(key), associated_data: base64(Buffer.from(context)) }
        const { data } = yield* post("encrypt", body, Encrypted)
        const version = versionOf(data.ciphertext)
        if (version === undefined) return yield* unreachable(`${vaultAddress} answers, but isn't a transit engine.`)
        return { masterKeyId: id(version), bytes: Buffer.from(data.ciphertext) }
      })
    const unwrap = (bytes: Uint8Array, context: string) => {
      const ciphertext = Buffer.from(bytes).toString()
      return Effect.map(
        post("decrypt", { ciphertext, associated_data: base64(Buffer.from(context)) }, Decrypted),
        ({ data }) => Buffer.from(data.plaintext, "base64")
      )
    }

    // The token, the key, its type and both rights are tried before anything relies on them.
    const probe = Buffer.alloc(32, 1)
    const tried = yield* wrap(probe, "maxcloud/probe")
    if (!(yield* unwrap(tried.bytes, "maxcloud/probe")).equals(probe)) {
      return yield* new MasterKeyError({ reason: "wrong", message: `${name} does not give back what it has wrapped.` })
    }
    return {
      name,
      presentId: Effect.map(wrap(probe, "maxcloud/probe"), (_) => _.masterKeyId),
      holds: (masterKeyId) => masterKeyId.startsWith(id("v")),
      wrap,
      unwrap: ({ bytes }, context) => unwrap(bytes, context)
    }
  })

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `fetch` tells the network's reason one level down. */
const reasonOf = (cause: unknown) => {
  if (!(cause instanceof Error)) return String(cause)
  return cause.cause instanceof Error && cause.cause.message !== "" ? cause.cause.message : cause.message
}
