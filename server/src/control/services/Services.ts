import type { Duplex } from "node:stream"
import type {
  Conflict,
  InvalidRequest,
  LogEntry,
  NotFound,
  Page,
  Restart,
  Revision,
  RevisionList,
  Service,
  ServiceId,
  Unavailable
} from "@maxcloud/sdk/api"
import { Context, type Effect, type Scope, type Stream } from "effect"
import type { Organization } from "../../base/words/Organization.ts"
import type { ExecProcess, ExecRequest, LogQuery } from "../../runtimes/port/Runtime.ts"
import type { pageOfServices } from "../deployments/records/serviceRows.ts"

/** The current services. Every method sees only the given organization. */
export class Services extends Context.Tag("@maxcloud/server/Services")<
  Services,
  {
    readonly page: (
      ...asked: Parameters<typeof pageOfServices>
    ) => Effect.Effect<Page<Service>, InvalidRequest | Unavailable>
    readonly get: (organization: Organization, id: ServiceId) => Effect.Effect<Service, NotFound | Unavailable>
    /**
     * Stops it until it is resumed, whatever is deployed meanwhile. When it returns, that is durable and its route refuses
     * requests. `Unavailable`: durable, but not applied yet. `Conflict`: its app is suspended. Idempotent.
     */
    readonly pause: (
      organization: Organization,
      id: ServiceId
    ) => Effect.Effect<Service, NotFound | Conflict | Unavailable>
    readonly resume: (
      organization: Organization,
      id: ServiceId
    ) => Effect.Effect<Service, NotFound | Conflict | Unavailable>
    /**
     * Replaces its instances with new ones of the same program, in a new revision. When it returns, that is durable and its app's
     * work is queued. `Conflict`: it is paused or being deleted, or its app is suspended.
     */
    readonly restart: (
      organization: Organization,
      id: ServiceId
    ) => Effect.Effect<Restart, NotFound | Conflict | Unavailable>
    /** Runs a program in one of its instances until the scope closes. `Conflict`: there is none, and none can be started. */
    readonly exec: (
      organization: Organization,
      id: ServiceId,
      request: ExecRequest
    ) => Effect.Effect<ExecProcess & { readonly instance: string }, NotFound | Conflict | Unavailable, Scope.Scope>
    /**
     * Connects to a port of one of its instances until the scope closes. `Conflict`: there is none, and none can be started, or the
     * port can't be reached. `NotFound`: the named instance isn't running.
     */
    readonly openPort: (
      organization: Organization,
      id: ServiceId,
      request: { readonly port: number; readonly instance: string | undefined }
    ) => Effect.Effect<
      { readonly connection: Duplex; readonly instance: string },
      NotFound | Conflict | Unavailable,
      Scope.Scope
    >
    /** Newest first. */
    readonly revisions: (
      organization: Organization,
      id: ServiceId,
      paging: ReturnType<typeof RevisionList.pagingOf>
    ) => Effect.Effect<Page<Revision>, InvalidRequest | NotFound | Unavailable>
    /** Is this the cursor of a log entry? Otherwise `logs` can't resume after it. */
    readonly isLogCursor: (text: string) => boolean
    readonly logs: (
      organization: Organization,
      id: ServiceId,
      query: Omit<LogQuery, "key">
    ) => Effect.Effect<Stream.Stream<LogEntry, Unavailable>, NotFound | Unavailable>
  }
>() {}
