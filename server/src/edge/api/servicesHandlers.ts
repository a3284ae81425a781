import { HttpApiBuilder, HttpServerResponse } from "@effect/platform"
import { CurrentOrganization, LogEntry, MaxCloudApi, RevisionList, ServiceList } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { Deployments } from "../../control/deployments/Deployments.ts"
import { Services } from "../../control/services/Services.ts"
import { makeExecHandler } from "../exec/execHandler.ts"
import { locatedAt } from "../http/answerHeaders.ts"
import { Draining } from "../http/Draining.ts"
import { currentAsked, invalidRequest } from "../http/problems.ts"
import { answerPage } from "./answerPage.ts"
import { currentCaller } from "./callerOf.ts"
import { instantOf } from "./instantOf.ts"
import { eventStream, type ServerSentEvent } from "./sse.ts"

const noCursor = invalidRequest(
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
const encodeEntry = Schema.encodeSync(LogEntry)
const end: ServerSentEvent = { event: "end", data: {} }

export const servicesHandlers = HttpApiBuilder.group(MaxCloudApi, "services", (handlers) =>
  Effect.gen(function* () {
    const services = yield* Services
    const deployments = yield* Deployments
    const draining = yield* Draining
    const exec = yield* makeExecHandler
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
          Effect.map(deployments.deleteService(organization, path.id), ({ id }) =>
            HttpServerResponse.empty({
              status: 204,
              headers: { link: `</api/v1/deployments/${id}>; rel="monitor"` }
            })
          )
        )
      )
      .handle("pause", ({ path }) =>
        Effect.flatMap(CurrentOrganization, (organization) => services.pause(organization, path.id))
      )
      .handle("resume", ({ path }) =>
        Effect.flatMap(CurrentOrganization, (organization) => services.resume(organization, path.id))
      )
      .handle("restart", ({ headers, path }) =>
        Effect.flatMap(CurrentOrganization, (organization) =>
          services.restart(organization, path.id, headers["idempotency-key"])
        ).pipe(Effect.tap(locatedAt(`/api/v1/services/${path.id}`)))
      )
      .handleRaw("exec", ({ path }) => exec(path.id))
      .handle("revisions", ({ path, urlParams }) =>
        Effect.flatMap(CurrentOrganization, (organization) =>
          answerPage(RevisionList, services.revisions(organization, path.id, RevisionList.pagingOf(urlParams)))
        )
      )
      .handle("logs", ({ headers, path, urlParams }) =>
        Effect.gen(function* () {
          const organization = yield* CurrentOrganization
          const asked = yield* currentAsked
          const since = urlParams.since === undefined ? undefined : yield* instantOf(urlParams.since)
          const after = headers["last-event-id"]
          if (after !== undefined && !services.isLogCursor(after)) return yield* noCursor
          const follow = urlParams.follow ?? false
          const entries = yield* services.logs(organization, path.id, {
            follow,
            since,
            revision: urlParams.revision,
            tail: urlParams.tail ?? (since === undefined && after === undefined ? 100 : undefined),
            after
          })
          return eventStream(entries, {
            toEvent: (entry) => ({ id: entry.cursor, event: "log", data: encodeEntry(entry) }),
            last: follow ? undefined : end,
            asked,
            until: draining.begun
          })
        })
      )
  })
)
