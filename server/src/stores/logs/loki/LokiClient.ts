import { readFile } from "node:fs/promises"
import { promisify } from "node:util"
import { gzip } from "node:zlib"
import { retryAfterMsOf } from "@maxcloud/config-schema/plain"
import { proxiedFetch } from "@maxcloud/sdk/proxy"
import { Redacted, Schema } from "effect"
import { fetchReason } from "../../../base/node/fetchReason.ts"
import type { Labels } from "./logql.ts"
import { millisOfDuration } from "./nanoseconds.ts"

const fetch = proxiedFetch()

export interface LokiOptions {
  /** Base URL, such as `http://loki.logging:3100`, without a trailing slash. */
  readonly url: string
  /**
   * Loki's tenant (`X-Scope-OrgID`); `{organization}` in it stands for the organization's id.
   * @default no header, for a Loki with `auth_enabled: false`
   */
  readonly tenant?: string | undefined
  /** For a proxy in front of Loki that requires a password. */
  readonly user?: string | undefined
  readonly password?: Redacted.Redacted | undefined
  /** A bearer token, for a proxy that requires one. */
  readonly token?: Redacted.Redacted | undefined
  /** A file with that token, read for each request, because it may be renewed. */
  readonly tokenFile?: string | undefined
}

/** How much to read of a refusal: Loki quotes up to ten lines, and patterns look for their times. */
const refusalLength = 16_384

export type Direction = "forward" | "backward"

/** An entry as Loki returns it: the labels of its stream together with its structured metadata. */
export interface Entry {
  readonly nanos: bigint
  readonly labels: Labels
  readonly text: string
}

/** An entry for a stream: nanoseconds, line, structured metadata. */
export type PushedValue = readonly [nanos: string, line: string, metadata: Labels]

export interface DeleteRequest {
  readonly query: string
  readonly status: string
  /** Milliseconds since 1970. */
  readonly end: number
}

/**
 * `refused`: Loki will never accept or answer this (`text` is its message). `away`: it may later. `elsewhere`: the
 * server has no such API.
 */
export class LokiError extends Error {
  readonly reason: "refused" | "away" | "elsewhere"
  readonly text: string
  constructor(reason: "refused" | "away" | "elsewhere", message: string, text = "") {
    super(message)
    this.reason = reason
    this.text = text
  }
}

const Answer = Schema.parseJson(
  Schema.Struct({
    data: Schema.Struct({
      resultType: Schema.Literal("streams"),
      result: Schema.Array(
        Schema.Struct({
          stream: Schema.Record({ key: Schema.String, value: Schema.String }),
          values: Schema.Array(
            Schema.Tuple([Schema.String.pipe(Schema.pattern(/^\d+$/)), Schema.String], Schema.Unknown)
          )
        })
      )
    })
  })
)
const Series = Schema.parseJson(
  Schema.Struct({ data: Schema.optional(Schema.Array(Schema.Record({ key: Schema.String, value: Schema.String }))) })
)
const Deletes = Schema.parseJson(
  Schema.NullOr(
    Schema.Array(
      Schema.Struct({
        query: Schema.String,
        status: Schema.String,
        // Seconds, with a fraction.
        end_time: Schema.Number
      })
    )
  )
)
const Limits = Schema.parseJson(Schema.Struct({ limits: Schema.Struct({ retention_period: Schema.String }) }))

const compress = promisify(gzip)
const timeoutMs = 60_000
const longestWaitMs = 60_000

/** Answers of Loki's HTTP API as values. Everything rejects with `LokiError`. */
export class LokiClient {
  readonly place: string
  readonly #options: LokiOptions
  /** By tenant: when to ask again, and why. */
  readonly #closed = new Map<string, { readonly until: number; readonly waitMs: number; readonly message: string }>()

  constructor(options: LokiOptions) {
    this.#options = options
    this.place = `Loki at ${options.url}`
  }

  tenantOf(organizationId: string): string {
    return (this.#options.tenant ?? "").replaceAll("{organization}", organizationId)
  }

  /** Adds entries to one stream. Sends nothing while Loki has asked for a pause. */
  async push(tenant: string, labels: Labels, values: ReadonlyArray<PushedValue>): Promise<void> {
    const closed = this.#closed.get(tenant)
    if (closed !== undefined && performance.now() < closed.until) throw new LokiError("away", closed.message)
    const body = await compress(JSON.stringify({ streams: [{ stream: labels, values }] }))
    try {
      await this.#ask(tenant, "POST", "/loki/api/v1/push", {}, body)
      this.#closed.delete(tenant)
    } catch (cause) {
      if (cause instanceof LokiError && cause.reason === "away") {
        const told = cause instanceof LokiAway ? cause.retryAfterMs : undefined
        const waitMs = Math.min(longestWaitMs, told ?? (closed === undefined ? 1000 : closed.waitMs * 2))
        this.#closed.set(tenant, {
          until: performance.now() + waitMs * (1 + Math.random() / 4),
          waitMs,
          message: cause.message
        })
      }
      throw cause
    }
  }

  /** Entries from `start` on and before `end`, at most `limit`, the first or the last of them. */
  async query(
    tenant: string,
    query: string,
    range: { readonly start: bigint; readonly end: bigint; readonly limit: number; readonly direction: Direction }
  ): Promise<ReadonlyArray<Entry>> {
    const { direction, end, limit, start } = range
    const params = { query, direction, start: String(start), end: String(end), limit: String(limit) }
    const { data } = this.#decode(Answer, await this.#ask(tenant, "GET", "/loki/api/v1/query_range", params))
    return data.result.flatMap(({ stream, values }) =>
      values.map(([nanos, text]) => ({ nanos: BigInt(nanos), labels: stream, text }))
    )
  }

  /** Labels of the streams with entries in the range. */
  async series(tenant: string, match: string, range: { readonly start: bigint; readonly end: bigint }) {
    const params = { "match[]": match, start: String(range.start), end: String(range.end) }
    return this.#decode(Series, await this.#ask(tenant, "GET", "/loki/api/v1/series", params)).data ?? []
  }

  /**
   * Requests the deletion of what a selector matches, up to `end` (milliseconds, rounded up to a second that has
   * passed).
   */
  async delete(tenant: string, query: string, end: number): Promise<void> {
    const params = { query, start: "1970-01-01T00:00:01Z", end: new Date(end).toISOString() }
    await this.#ask(tenant, "POST", "/loki/api/v1/delete", params)
  }

  /** The requested deletions, including unfinished ones. */
  async deletes(tenant: string): Promise<ReadonlyArray<DeleteRequest>> {
    const answer = this.#decode(Deletes, await this.#ask(tenant, "GET", "/loki/api/v1/delete", {}))
    return (answer ?? []).map(({ end_time, query, status }) => ({ query, status, end: end_time * 1000 }))
  }

  /**
   * How many milliseconds a tenant's lines are kept, according to its limits; undefined: forever, or Loki doesn't say.
   */
  async retention(tenant: string): Promise<number | undefined> {
    // Loki requires a tenant even if it has none: with `auth_enabled: false`, everything belongs to "fake".
    const answer = await this.#ask(tenant === "" ? "fake" : tenant, "GET", "/loki/api/v1/drilldown-limits", {})
    const { limits } = this.#decode(Limits, answer)
    const millis = millisOfDuration(limits.retention_period)
    return millis === 0 ? undefined : millis
  }

  #decode<A, I>(schema: Schema.Schema<A, I>, text: unknown): A {
    const decoded = Schema.decodeUnknownEither(schema)(text)
    if (decoded._tag === "Left") throw new LokiError("elsewhere", "the server there isn't Loki")
    return decoded.right
  }

  async #authorization(): Promise<string | undefined> {
    const { password, token, tokenFile, user } = this.#options
    if (tokenFile !== undefined) {
      try {
        return `Bearer ${(await readFile(tokenFile, "utf8")).trim()}`
      } catch (cause) {
        throw new LokiError("away", `couldn't read the token in MAXCLOUD_LOGS_LOKI_TOKEN_FILE: ${fetchReason(cause)}`)
      }
    }
    if (token !== undefined) return `Bearer ${Redacted.value(token)}`
    if (user === undefined) return undefined
    const secret = password === undefined ? "" : Redacted.value(password)
    return `Basic ${Buffer.from(`${user}:${secret}`).toString("base64")}`
  }

  async #ask(
    tenant: string,
    method: "GET" | "POST",
    path: string,
    params: Readonly<Record<string, string>>,
    body?: Uint8Array<ArrayBuffer>
  ): Promise<string> {
    const authorization = await this.#authorization()
    const query = new URLSearchParams(params).toString()
    const { answer, status, retryAfter } = await fetch(
      `${this.#options.url}${path}${query === "" ? "" : `?${query}`}`,
      {
        method,
        headers: {
          // Loki may cache an empty answer, and lines arrive late.
          "cache-control": "no-cache",
          ...(tenant === "" ? {} : { "x-scope-orgid": tenant }),
          ...(authorization === undefined ? {} : { authorization }),
          ...(body === undefined ? {} : { "content-type": "application/json", "content-encoding": "gzip" })
        },
        ...(body === undefined ? {} : { body }),
        // Don't follow it: credentials are only for this server.
        redirect: "manual",
        signal: AbortSignal.timeout(timeoutMs)
      }
    ).then(
      async (response) => ({
        status: response.status,
        answer: await response.text(),
        retryAfter: retryAfterMsOf(response.headers, longestWaitMs)
      }),
      (cause: unknown) => {
        throw new LokiAway(`it doesn't answer: ${fetchReason(cause)}`, undefined)
      }
    )
    if (status >= 200 && status < 300) return answer
    const text = answer.slice(0, refusalLength)
    const said = text.replace(/\s+/g, " ").trim().slice(0, 500)
    if (status === 429) throw new LokiAway(`it accepts no more for now (status 429: ${said})`, retryAfter)
    if (status === 401) {
      throw new LokiError(
        "elsewhere",
        `it refuses the credentials or requires a tenant (status 401: ${said}). Set MAXCLOUD_LOGS_LOKI_TENANT, MAXCLOUD_LOGS_LOKI_USER or MAXCLOUD_LOGS_LOKI_TOKEN`
      )
    }
    if (status === 400 || status === 413 || status === 422) {
      throw new LokiError("refused", `it refuses that (status ${status}: ${said})`, text)
    }
    // A gRPC message that's too large is a 500, which a retry doesn't fix.
    if (status === 500 && /larger than max|ResourceExhausted/.test(text)) {
      throw new LokiError("refused", `it can't return that much at once (status 500: ${said})`, text)
    }
    if (status >= 500) throw new LokiAway(`status ${status}: ${said}`, retryAfter)
    throw new LokiError("elsewhere", `status ${status}: ${said}`, text)
  }
}

class LokiAway extends LokiError {
  readonly retryAfterMs: number | undefined
  constructor(message: string, retryAfterMs: number | undefined) {
    super("away", message)
    this.retryAfterMs = retryAfterMs
  }
}
