import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import type * as HttpMethod from "@effect/platform/HttpMethod"
import * as OpenApi from "@effect/platform/OpenApi"
import { Context } from "effect"
import type { Role, ScopeVerb } from "./roles.ts"

/**
 * How to find the app and stage that a request concerns, to check it against a narrowed key: in the path, in the query, or through the
 * service or deployment in the path. `organization`: it concerns no app, and every narrowed key that has the verb may call it.
 */
export type ScopePlace = "path" | "query" | "service" | "deployment" | "organization"

/** The access rule of an endpoint. */
export interface Rule {
  /** The roles that may call it. `open`: it needs no credential. */
  readonly roles: ReadonlyArray<Role> | "open"
  /** Does it change anything? Then it has an entry in the audit log, whatever the answer. */
  readonly writes: boolean
  /** Scopes of a narrowed key that allow the call. Absent: none does. */
  readonly scope?: { readonly verb: ScopeVerb; readonly at: ScopePlace }
  /** May somebody do it whose address is not confirmed yet? */
  readonly unverified?: true
  /** Is it about the signed-in person or their session, in whatever organization? Then it has no path below `/organizations/:org`. */
  readonly about?: "person"
}

/**
 * Everything outside of the handler that must be known about an endpoint. The server's gate, the audit log, the OpenAPI document, the roles
 * page and the tests of every operation read it. The schemas mark secrets in a request or an answer: they are `Schema.Redacted`.
 */
export interface EndpointRow extends Rule {
  /** Its name in the OpenAPI document, and so in generated clients: a verb and what it concerns, such as `listServices`. */
  readonly id: string
  readonly summary: string
  readonly description: string
  /** The method of the SDK's client that calls it. */
  readonly client: string
  /** It will be removed. Every answer says so, and where `replacement` is described. `since`, `sunset`: dates, such as `2027-01-01`. */
  readonly deprecated?: { readonly since: string; readonly sunset: string; readonly replacement: string }
  /** Is it outside of every rate limit? */
  readonly limit?: "none"
  /** Is the JSON that it takes as large as an AppSpec? */
  readonly json?: "spec"
  /** The body, if it isn't JSON. */
  readonly content?: "application/gzip"
}

/** The key under which an endpoint stores its row. */
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
