import { Context, Data, type Effect, type Option, type Scope, type Stream } from "effect"
import type { SocketBytes } from "../../base/node/webSocketBytes.ts"
import type { Kind } from "./kinds.ts"

/** One of `Status.details.causes`: for a field manager conflict `reason` is `FieldManagerConflict`, and `message` names the manager. */
export interface KubeCause {
  readonly reason: string
  readonly field: string
  readonly message: string
}

/**
 * The API server said no, or nothing. `reason` is what to do about it: `unreachable` (no connection, a time limit, 5xx) and `tooMany`
 * (429 after the retries) pass; the others do not. `message` is the API server's own, and says what was asked.
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
  /** HTTP status; undefined where there was no answer. */
  readonly status: number | undefined
  /** `Status.reason`, such as `Forbidden`; empty if there is none. */
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

/** The part of a WebSocket that we use, as a shape of our own: the package's types would reach this file, and `ws` is bundled. */
export interface ClusterSocket {
  readonly readyState: number
  readonly OPEN: number
  /** The subprotocol that the API server chose. */
  readonly protocol: string
  send(bytes: Uint8Array, sent: (error?: Error) => void): void
  on(event: "message", listener: (data: SocketBytes) => void): unknown
  once(event: "close", listener: () => void): unknown
  pause(): void
  resume(): void
  close(): void
}

export type WatchEvent<A> =
  /** The whole list, at the start and after each re-list: what is not in it is gone. */
  | { readonly type: "list"; readonly objects: ReadonlyArray<A> }
  | { readonly type: "put"; readonly object: A }
  | { readonly type: "delete"; readonly object: A }

export interface WatchInput<A> {
  readonly kind: Kind
  /** undefined: all namespaces. */
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** Only metadata travels (`PartialObjectMetadata`): for Secrets, whose values stay where they are. */
  readonly metadataOnly?: boolean
  /** Reads an object to what is kept of it. One that cannot be read (none) is logged and left out. */
  readonly decode: (object: unknown) => Option.Option<A>
}

/**
 * The API server of the cluster, over connections of our own (keep-alive, many at a time), with the credentials that a kubeconfig or the
 * pod gives (`KubeConfig` of @kubernetes/client-node: client certificates, tokens, exec plugins). Requests in flight are bounded;
 * 429 is retried after its `Retry-After`.
 */
export class KubeApi extends Context.Tag("@maxcloud/server/KubeApi")<
  KubeApi,
  {
    /** URL of the API server, for messages. */
    readonly server: string
    /** Since when no request has been answered. */
    readonly unreachableSince: Effect.Effect<Option.Option<Date>>
    /** The same, and for how many milliseconds by now. */
    readonly unreachable: Effect.Effect<Option.Option<{ readonly since: Date; readonly millis: number }>>
    /** The answer's JSON, unread. */
    readonly request: (request: KubeRequest) => Effect.Effect<unknown, KubeError>
    /**
     * The answer with any status, from one request within a time limit. For requests that the API server only passes on, such as a GET to
     * a pod (`…/pods/NAME:PORT/proxy/`): a 503 then says nothing about the API server.
     */
    readonly answer: (
      request: KubeRequest,
      timeoutMillis: number
    ) => Effect.Effect<{ readonly status: number; readonly text: string }, KubeError>
    /** The answer's body as it comes, such as of a log. Ends the request when the stream is ended. */
    readonly stream: (request: Pick<KubeRequest, "path" | "query">) => Stream.Stream<Uint8Array, KubeError>
    /** A WebSocket of a subresource such as `exec`, open for as long as the scope is. */
    readonly socket: (
      path: string,
      query: ReadonlyArray<readonly [string, string]>,
      protocols: ReadonlyArray<string>
    ) => Effect.Effect<ClusterSocket, KubeError, Scope.Scope>
    /**
     * Lists, then watches for ever: with bookmarks, resumed from the last resource version, listed anew after `410 Gone`, with back-off
     * and jitter while the API server is unreachable. Never fails.
     */
    readonly watch: <A>(input: WatchInput<A>) => Stream.Stream<WatchEvent<A>>
  }
>() {}
