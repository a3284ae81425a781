import { HttpApiBuilder } from "@effect/platform"
import { ApiKeyList, InviteList, MaxCloudApi, OidcTrustList } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { effectiveRole } from "../../../tenancy/access/policy.ts"
import { Accounts, Sessions } from "../../../tenancy/identity/Accounts.ts"
import { ApiKeys } from "../../../tenancy/identity/keys/ApiKeys.ts"
import { OidcTrusts } from "../../../tenancy/identity/keys/OidcTrusts.ts"
import { Invites } from "../../../tenancy/identity/Members.ts"
import { locatedAt } from "../../http/answerHeaders.ts"
import { answerPage } from "./answerPage.ts"
import { currentCaller, currentPerson } from "./callerOf.ts"
import { inRequestLanguage } from "./requestLanguage.ts"

/** Describes the opened session, and whether its address is confirmed. */
export const sessionPath = "/api/v1/auth/status"

/** The credential of the request, its organization and role, and the person behind it. */
const describeCaller = (sessions: Sessions["Type"]) =>
  Effect.gen(function* () {
    const caller = yield* currentCaller
    const { credential, organization, person, scopes } = caller
    if (credential.type === "pull")
      return yield* Effect.dieMessage("a node's password was accepted outside the registry")
    const { expiresAt, name } = yield* sessions.describe(caller)
    return {
      organization: organization.name,
      role: effectiveRole(caller),
      credential: {
        type: credential.type,
        id: credential.type === "local" ? null : credential.id,
        name,
        scopes: scopes === undefined ? null : [...scopes],
        expiresAt
      },
      user: person ?? null,
      organizations:
        credential.type !== "session" || person === undefined
          ? []
          : credential.unproven === true
            ? [{ name: organization.name, role: effectiveRole(caller) }]
            : (yield* sessions.organizationsOf(person.id)).map(({ name, role }) => ({ name, role }))
    }
  })

export const authHandlers = HttpApiBuilder.group(MaxCloudApi, "auth", (handlers) =>
  Effect.gen(function* () {
    const accounts = yield* Accounts
    const sessions = yield* Sessions
    const keys = yield* ApiKeys
    const trusts = yield* OidcTrusts
    const invites = yield* Invites
    return handlers
      .handle("status", () => describeCaller(sessions))
      .handle("signOut", () => Effect.flatMap(currentCaller, sessions.end))
      .handle("switchOrganization", ({ payload }) =>
        Effect.flatMap(currentPerson, (person) => sessions.grant(person.id, payload.organization)).pipe(
          Effect.tap(locatedAt(sessionPath))
        )
      )
      .handle("resendVerification", () =>
        inRequestLanguage(Effect.flatMap(currentCaller, accounts.resendVerification)).pipe(
          Effect.tap(locatedAt(sessionPath))
        )
      )
      .handle("apiKeys", ({ urlParams }) =>
        Effect.flatMap(currentCaller, (found) =>
          answerPage(ApiKeyList, keys.page(found, ApiKeyList.pagingOf(urlParams)))
        )
      )
      .handle("createApiKey", ({ payload }) =>
        Effect.flatMap(currentCaller, (found) => keys.create(found, payload)).pipe(
          Effect.tap(({ apiKey }) => locatedAt(`/api/v1/auth/api-keys/${apiKey.id}`))
        )
      )
      .handle("rotateApiKey", ({ path, payload }) =>
        Effect.flatMap(currentCaller, (found) => keys.rotate(found, path.id, payload.overlapSeconds)).pipe(
          Effect.tap(({ apiKey }) => locatedAt(`/api/v1/auth/api-keys/${apiKey.id}`))
        )
      )
      .handle("deleteApiKey", ({ path }) => Effect.flatMap(currentCaller, (found) => keys.remove(found, path.id)))
      .handle("invites", ({ urlParams }) =>
        Effect.flatMap(currentCaller, (found) =>
          answerPage(InviteList, invites.page(found, urlParams, InviteList.pagingOf(urlParams)))
        )
      )
      .handle("createInvite", ({ payload }) =>
        inRequestLanguage(Effect.flatMap(currentCaller, (found) => invites.create(found, payload))).pipe(
          Effect.tap(({ id }) => locatedAt(`/api/v1/auth/invites/${id}`))
        )
      )
      .handle("revokeInvite", ({ path }) => Effect.flatMap(currentCaller, (found) => invites.revoke(found, path.id)))
      .handle("oidcTrusts", ({ urlParams }) =>
        Effect.flatMap(currentCaller, (found) =>
          answerPage(OidcTrustList, trusts.page(found, OidcTrustList.pagingOf(urlParams)))
        )
      )
      .handle("createOidcTrust", ({ payload }) =>
        Effect.flatMap(currentCaller, (found) => trusts.create(found, payload)).pipe(
          Effect.tap(({ id }) => locatedAt(`/api/v1/auth/oidc-trusts/${id}`))
        )
      )
      .handle("deleteOidcTrust", ({ path }) => Effect.flatMap(currentCaller, (found) => trusts.remove(found, path.id)))
  })
)
