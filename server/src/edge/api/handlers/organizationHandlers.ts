import { HttpApiBuilder, HttpServerResponse } from "@effect/platform"
import { CurrentOrganization, MaxCloudApi, MemberList, type OrganizationInfo } from "@maxcloud/sdk/api"
import { Effect, Stream } from "effect"
import { Privacy } from "../../../control/privacy/Privacy.ts"
import { Accounts, Sessions } from "../../../tenancy/identity/Accounts.ts"
import { Members } from "../../../tenancy/identity/Members.ts"
import { OpenStreamsOf } from "../../../tenancy/limits/OpenStreams.ts"
import { locatedAt } from "../../http/answerHeaders.ts"
import { answerPage } from "./answerPage.ts"
import { currentCaller, currentPerson } from "./callerOf.ts"

/** Streams lines of JSON. */
export const jsonLines = <E>(lines: Stream.Stream<string, E>) =>
  HttpServerResponse.stream(Stream.encodeText(Stream.map(lines, (line) => `${line}\n`)), {
    contentType: "application/x-ndjson",
    headers: { "cache-control": "no-store" }
  })

export const organizationHandlers = HttpApiBuilder.group(MaxCloudApi, "organization", (handlers) =>
  Effect.gen(function* () {
    const members = yield* Members
    const privacy = yield* Privacy
    /** Counts the activity that only this process knows about. */
    const withStreams = (described: OrganizationInfo) =>
      Effect.map(OpenStreamsOf, (of) => ({ ...described, use: { ...described.use, streams: of(described.id) } }))
    return handlers
      .handle("get", () =>
        CurrentOrganization.pipe(
          Effect.flatMap(({ id }) => privacy.describe(id)),
          Effect.flatMap(withStreams)
        )
      )
      .handle("change", ({ payload }) =>
        currentCaller.pipe(
          Effect.flatMap((found) => privacy.changeOrganization(found, payload)),
          Effect.flatMap(withStreams)
        )
      )
      .handle("members", ({ urlParams }) =>
        Effect.flatMap(currentCaller, (found) =>
          answerPage(MemberList, members.page(found, urlParams, MemberList.pagingOf(urlParams)))
        )
      )
      .handle("changeMember", ({ path, payload }) =>
        Effect.flatMap(currentCaller, (found) => members.change(found, path.userId, payload.role))
      )
      .handle("removeMember", ({ path }) =>
        Effect.flatMap(currentCaller, (found) => members.remove(found, path.userId))
      )
      .handleRaw("export", () => Effect.map(currentCaller, (found) => jsonLines(privacy.exportOrganization(found))))
      .handle("delete", ({ payload }) =>
        Effect.flatMap(currentCaller, (found) => privacy.deleteOrganization(found, payload)).pipe(
          Effect.tap(locatedAt("/api/v1/organization"))
        )
      )
      .handle("cancelDeletion", () => Effect.flatMap(currentCaller, privacy.cancelDeletion))
  })
)

export const accountHandlers = HttpApiBuilder.group(MaxCloudApi, "account", (handlers) =>
  Effect.gen(function* () {
    const accounts = yield* Accounts
    const privacy = yield* Privacy
    const sessions = yield* Sessions
    return handlers
      .handle("createOrganization", ({ payload: { organization } }) =>
        Effect.gen(function* () {
          const person = yield* currentPerson
          yield* accounts.createOrganization(person.id, organization)
          yield* locatedAt(`/api/v1/organizations/${organization}`)
          return yield* sessions.grant(person.id, organization).pipe(Effect.catchTag("NotFound", Effect.die))
        })
      )
      .handleRaw("export", () => Effect.map(currentPerson, (found) => jsonLines(privacy.exportPerson(found))))
      .handle("delete", () =>
        Effect.flatMap(currentPerson, privacy.erasePerson).pipe(
          Effect.tap(({ id }) => locatedAt(`/api/v1/erasures/${id}`))
        )
      )
  })
)

export const erasuresHandlers = HttpApiBuilder.group(MaxCloudApi, "erasures", (handlers) =>
  Effect.map(Privacy, (privacy) => handlers.handle("get", ({ path }) => privacy.certificate(path.id)))
)
