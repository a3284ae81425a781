import { Context, Data, type Effect, type Option, type Scope, type Stream } from "effect"
import type { SocketBytes } from "../../base/node/webSocketBytes.ts"
import type { Kind } from "./kinds.ts"
import type { WatchReport } from "./watchReports.ts"

/** One of `Status.details.causes`: for a field manager conflict `reason` is `FieldManagerConflict`, and `message` names the manager. */
export interface KubeCause {
  readonly reason: string
  readonly field: string
  readonly message: string
}

/**
 * The API server refused, or didn't answer. `reason` says what to do: `unreachable` (no connection, a timeout, 5xx) and `tooMany`
 * (429 after the retries) are temporary; the others aren't. `message` is the API server's own, with the request.
 */
export class KubeError extends Data.TaggedError("KubeError")<{
  readonly reason:
    | "unreachable"
    | "tooMany"
    | "unauthorized"
    | "forbidden"
    | "notFound"
    | "alreadyExists"
    | "conflict"
    | "invalid"
    | "gone"
  /** HTTP status; undefined without an answer. */
  readonly status: number | undefined
  /** `Status.reason`, such as `Forbidden`; empty if missing. */
  readonly statusReason: string
  readonly message: string
  readonly causes: ReadonlyArray<KubeCause>
}> {}

export interface KubeRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  /** Absolute, without query: see `pathOf`. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** @default application/json; server-side apply: application/apply-patch+yaml (JSON is YAML) */
  readonly contentType?: string
  readonly accept?: string
}

/**
 * The part of a WebSocket that we use, as our own type: the package's types would otherwise appear in this file, and `ws` is
 * bundled.
 */
export interface ClusterSocket {
  readonly readyState: number
  readonly OPEN: number
  /** The subprotocol that the API server chose. */
  readonly protocol: string
  send(bytes: Uint8Array, sent: (error?: Error) => void): void
  on(event: "message", listener: (data: SocketBytes) => void): unknown
  /** `code`: of the close frame; 1006 without one. */
  once(event: "close", listener: (code: number) => void): unknown
  pause(): void
  resume(): void
  close(): void
}

export type WatchEvent<A> =
  /** The whole list, at the start and after each re-list: anything missing from it is gone. */
  | { readonly type: "list"; readonly objects: ReadonlyArray<A> }
  | { readonly type: "put"; readonly object: A }
  | { readonly type: "delete"; readonly object: A }

export interface WatchInput<A> {
  readonly kind: Kind
  /** undefined: all namespaces. */
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** Transfer only metadata (`PartialObjectMetadata`): for Secrets, whose values then stay in the cluster. */
  readonly metadataOnly?: boolean
  /** Reduces an object to the parts we keep. Unreadable objects (none) are logged and left out. */
  readonly decode: (object: unknown) => Option.Option<A>
  /** Called with the outcome of each list and connection: may the server read these objects? Not called without an answer. */
  readonly onAccess?: (granted: boolean) => Effect.Effect<void>
}

/**
 * The cluster's API server, over our own connections (keep-alive, many at a time), with the credentials of a kubeconfig or the
 * pod (`KubeConfig` of @kubernetes/client-node: client certificates, tokens, exec plugins). Limits concurrent requests, and
 * retries 429 after its `Retry-After`.
 */
export class KubeApi extends Context.Tag("@maxcloud/server/KubeApi")<
  KubeApi,
  {
    /** URL of the API server, for messages. */
    readonly server: string
    /** Since when the API server has been unreachable. */
    readonly unreachableSince: Effect.Effect<Option.Option<Date>>
    /** The same, with the outage's duration in milliseconds. */
    readonly unreachable: Effect.Effect<Option.Option<{ readonly since: Date; readonly millis: number }>>
    /**
     * Asks the API server if it hasn't answered in the last moments, and says since when it is unreachable. For readers, who shouldn't
     * wait for a request's timeout.
     */
    readonly check: Effect.Effect<Option.Option<Date>>
    /** For how many milliseconds it was unreachable since this process started, all outages together. */
    readonly awayMillis: Effect.Effect<number>
    /** For how many milliseconds since this time (epoch milliseconds) it was unreachable, as far as known; 0 for NaN. */
    readonly awaySince: (epochMillis: number) => number
    /** The answer's JSON, not decoded. */
    readonly request: (request: KubeRequest) => Effect.Effect<unknown, KubeError>
    /**
     * The answer with any status, from one request within a timeout. For requests that the API server only forwards, such as a
     * GET to a pod (`…/pods/NAME:PORT/proxy/`): a 503 then says nothing about the API server.
     */
    readonly answer: (
      request: KubeRequest,
      timeoutMillis: number
    ) => Effect.Effect<{ readonly status: number; readonly text: string }, KubeError>
    /** Streams the answer's body, such as a log. Ends the request when the stream ends. */
    readonly stream: (request: Pick<KubeRequest, "path" | "query">) => Stream.Stream<Uint8Array, KubeError>
    /** A WebSocket to a subresource such as `exec`, open until the scope closes. */
    readonly socket: (
      path: string,
      query: ReadonlyArray<readonly [string, string]>,
      protocols: ReadonlyArray<string>
    ) => Effect.Effect<ClusterSocket, KubeError, Scope.Scope>
    /** All objects, read in pages, of which only what `decode` keeps stays in memory. */
    readonly list: <A>(input: WatchInput<A>) => Effect.Effect<ReadonlyArray<A>, KubeError>
    /**
     * Lists, then watches forever: with bookmarks, resuming from the last resource version, listing again after `410 Gone`, and
     * with back-off and jitter while the API server is unreachable. Never fails.
     */
    readonly watch: <A>(input: WatchInput<A>) => Stream.Stream<WatchEvent<A>>
    /** How each current watch is doing. */
    readonly watches: Effect.Effect<ReadonlyArray<WatchReport>>
  }
>() {}
