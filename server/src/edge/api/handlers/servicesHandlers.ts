import { HttpApiBuilder, HttpServerResponse } from "@effect/platform"
import {
  CurrentOrganization,
  LogEntry,
  MaxCloudApi,
  RevisionList,
  ServiceList,
  type Unavailable,
  usualLimit
} from "@maxcloud/sdk/api"
import { Chunk, Effect, Schema, Stream } from "effect"
import { Deployments } from "../../../control/deployments/Deployments.ts"
import { Services } from "../../../control/services/Services.ts"
import { makeExecHandler } from "../../exec/execHandler.ts"
import { makePortHandler } from "../../exec/portHandler.ts"
import { locatedAt, monitoredAt } from "../../http/answerHeaders.ts"
import { Draining } from "../../http/Draining.ts"
import { currentAsked, invalidRequest } from "../../http/problems.ts"
import { toBatchEvents, toLogEvent } from "../streams/logEvents.ts"
import { eventStream, type ServerSentEvent } from "../streams/sse.ts"
import { answerPage } from "./answerPage.ts"
import { currentCaller } from "./callerOf.ts"
import { instantIf } from "./instantOf.ts"
import { wantsStream } from "./wantsStream.ts"

const noLastEventId = invalidRequest(
  "Last-Event-ID isn't the id of an event of this stream. Leave it out to start from the beginning.",
  [
    {
      parameter: "last-event-id",
      in: "header",
      code: "invalid_value",
      detail: "This isn't the id of an event of this stream."
    }
  ]
)
const wrongCursor = "This isn't the `cursor` of a line of this log. Leave it out to start with the last lines."
const noCursor = invalidRequest(`cursor: ${wrongCursor}`, [
  { parameter: "cursor", in: "query", code: "invalid_value", detail: wrongCursor }
])
const end: ServerSentEvent = { event: "end", data: {} }

/** The next lines, oldest first. A page's cursor is that of its last line. */
const logPage = (entries: Stream.Stream<LogEntry, Unavailable>, limit: number) =>
  answerPage(
    { answer: Schema.Array(LogEntry) },
    Effect.map(Stream.runCollect(Stream.take(entries, limit + 1)), (found) => {
      const items = Chunk.toReadonlyArray(Chunk.take(found, limit))
      return { items, next: found.length > limit ? (items.at(-1)?.cursor ?? null) : null }
    })
  )

export const servicesHandlers = HttpApiBuilder.group(MaxCloudApi, "services", (handlers) =>
  Effect.gen(function* () {
    const services = yield* Services
    const deployments = yield* Deployments
    const draining = yield* Draining
    const exec = yield* makeExecHandler
    const openPort = yield* makePortHandler
    return handlers
      .handle("create", ({ payload }) =>
        Effect.flatMap(CurrentOrganization, (organization) => deployments.createService(organization, payload)).pipe(
          Effect.tap(({ id }) => locatedAt(`/api/v1/services/${id}`))
        )
      )
      .handle("list", ({ urlParams }) =>
        Effect.flatMap(currentCaller, ({ organization, scopes }) =>
          answerPage(
            ServiceList,
            services.page(organization, { ...urlParams, scopes }, ServiceList.pagingOf(urlParams))
          )
        )
      )
      .handle("get", ({ path }) =>
        Effect.flatMap(CurrentOrganization, (organization) => services.get(organization, path.id))
      )
      .handle("delete", ({ path }) =>
        Effect.flatMap(CurrentOrganization, (organization) =>
          Effect.flatMap(deployments.deleteService(organization, path.id), ({ id }) =>
            Effect.as(monitoredAt(`/api/v1/deployments/${id}`), HttpServerResponse.empty({ status: 204 }))
          )
        )
      )
      .handle("pause", ({ path }) =>
        Effect.flatMap(CurrentOrganization, (organization) => services.pause(organization, path.id))
      )
      .handle("resume", ({ path }) =>
        Effect.flatMap(CurrentOrganization, (organization) => services.resume(organization, path.id))
      )
      .handle("restart", ({ path }) =>
        Effect.flatMap(CurrentOrganization, (organization) => services.restart(organization, path.id)).pipe(
          Effect.tap(locatedAt(`/api/v1/services/${path.id}`))
        )
      )
      .handleRaw("exec", ({ path }) => exec(path.id))
      .handleRaw("openPort", ({ path }) => openPort(path.id))
      .handle("revisions", ({ path, urlParams }) =>
        Effect.flatMap(CurrentOrganization, (organization) =>
          answerPage(RevisionList, services.revisions(organization, path.id, RevisionList.pagingOf(urlParams)))
        )
      )
      .handle("logs", ({ headers, path, urlParams }) =>
        Effect.gen(function* () {
          const organization = yield* CurrentOrganization
          const since = yield* instantIf(urlParams.since)
          const { batched = false, cursor, follow = false, limit = usualLimit, revision, tail } = urlParams
          const last = headers["last-event-id"]
          if (last !== undefined && !services.isLogCursor(last)) return yield* noLastEventId
          if (cursor !== undefined && !services.isLogCursor(cursor)) return yield* noCursor
          const asStream = follow || (yield* wantsStream)
          const after = last ?? cursor
          const begins = since === undefined && after === undefined
          const query = {
            follow,
            since,
            revision,
            tail: tail ?? (begins ? (asStream ? 100 : limit) : undefined),
            after
          }
          const entries = yield* services.logs(organization, path.id, query)
          if (!asStream) return yield* logPage(entries, limit)
          return eventStream(entries, {
            toEvent: toLogEvent,
            toEvents: batched ? toBatchEvents : undefined,
            last: follow ? undefined : end,
            asked: yield* currentAsked,
            until: draining.begun
          })
        })
      )
  })
)
