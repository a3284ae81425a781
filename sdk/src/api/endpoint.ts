import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import type * as HttpMethod from "@effect/platform/HttpMethod"
import * as OpenApi from "@effect/platform/OpenApi"
import { Context } from "effect"
import type { Role, ScopeVerb } from "./roles.ts"

/**
 * How to find the app and stage of a request, to check a key's scopes: in the path, in the query, or through the service or deployment in the
 * path. `organization`: the request concerns no app, and every scoped key with the verb can send it.
 */
export type ScopePlace = "path" | "query" | "service" | "deployment" | "organization"

/** The access rule of an endpoint. */
export interface Rule {
  /** The roles that may call it. `open` needs no credential. */
  readonly roles: ReadonlyArray<Role> | "open"
  /** Whether it changes anything. If so, each request gets an entry in the audit log, whatever the response. */
  readonly writes: boolean
  /** The scopes that allow a scoped key to call it. If absent, none does. */
  readonly scope?: { readonly verb: ScopeVerb; readonly at: ScopePlace }
  /** Whether people with an unconfirmed address may call it. */
  readonly unverified?: true
  /** Whether it concerns the signed-in person or their session, independent of the organization. Then it has no path below `/organizations/:org`. */
  readonly about?: "person"
}

/**
 * All facts about an endpoint besides its handler. The server's gate, the audit log, the OpenAPI document, the roles page and the tests of
 * every operation read it. Secrets in requests and responses are marked in the schemas, as `Schema.Redacted`.
 */
export interface EndpointRow extends Rule {
  /** Its name in the OpenAPI document and in generated clients: a verb and its object, such as `listServices`. */
  readonly id: string
  readonly summary: string
  readonly description: string
  /** The method of the SDK's client that calls it. */
  readonly client: string
  /** It will be removed. Every response says so, and links to `replacement`. `since` and `sunset` are dates, such as `2027-01-01`. */
  readonly deprecated?: { readonly since: string; readonly sunset: string; readonly replacement: string }
  /** Whether it is exempt from every rate limit. */
  readonly limit?: "none"
  /** Whether it ignores unknown query parameters. Clients of a standard protocol send their own. */
  readonly ignoresUnknown?: true
  /** Whether its JSON may be as large as an AppSpec. */
  readonly json?: "spec"
  /** The body, if it isn't JSON. */
  readonly content?: "application/gzip"
}

/** The annotation that stores an endpoint's row. */
export class EndpointRowOf extends Context.Tag("@maxcloud/sdk/EndpointRow")<EndpointRowOf, EndpointRow>() {}

const endpoint =
  <Method extends HttpMethod.HttpMethod>(method: Method) =>
  <const Name extends string>(
    name: Name,
    path: `/${string}`,
    row: EndpointRow
  ): HttpApiEndpoint.HttpApiEndpoint<Name, Method> => {
    const { description, id, summary } = row
    return HttpApiEndpoint.make(method)(name, path)
      .annotate(EndpointRowOf, row)
      .annotateContext(OpenApi.annotations({ identifier: id, summary, description }))
  }

export const get = endpoint("GET")
export const post = endpoint("POST")
export const put = endpoint("PUT")
export const patch = endpoint("PATCH")
export const del = endpoint("DELETE")

export const everyone: ReadonlyArray<Role> = ["owner", "admin", "deployer", "viewer", "billing"]
export const readers: ReadonlyArray<Role> = ["owner", "admin", "deployer", "viewer"]
export const deployers: ReadonlyArray<Role> = ["owner", "admin", "deployer"]
export const admins: ReadonlyArray<Role> = ["owner", "admin"]
export const owners: ReadonlyArray<Role> = ["owner"]

export const open = { roles: "open", writes: false } as const
export const signsIn = { roles: "open", writes: true } as const
export const reads = (at: ScopePlace): Rule => ({ roles: readers, writes: false, scope: { verb: "read", at } })
export const deploys = (at: ScopePlace): Rule => ({ roles: deployers, writes: true, scope: { verb: "deploy", at } })
