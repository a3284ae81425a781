import type {
  ApiKeyId,
  KeyScope,
  OidcTrustId,
  OperationName,
  OrganizationId,
  Role,
  SessionId,
  UserId
} from "@maxcloud/sdk/api"
import { Context } from "effect"
import type { Organization } from "../../base/words/Organization.ts"

export interface Person {
  readonly id: UserId
  readonly email: string
  /** Has the address been confirmed? Until then an account can only look. */
  readonly verified: boolean
}

export type Credential =
  /** A caller without a credential, on loopback. */
  | { readonly type: "local" }
  /** `unproven`: begun before a link confirmed the address, perhaps by somebody else who registered it. */
  | { readonly type: "session"; readonly id: SessionId; readonly unproven?: true }
  | { readonly type: "key"; readonly id: ApiKeyId }
  /** The password that an organization's nodes pull images with. It only gets tokens of the registry. */
  | { readonly type: "pull"; readonly id: OrganizationId }
  /** A token of another issuer. `subject`: its `sub` claim. */
  | { readonly type: "oidc"; readonly id: OidcTrustId; readonly issuer: string; readonly subject: string }

/** The sender of a request, identified by its credential. */
export interface Caller {
  readonly organization: Organization
  /** All of them must allow an operation: a key's own role and its creator's present one. At least one. */
  readonly roles: ReadonlyArray<Role>
  /** The scopes that narrow a key or an OIDC trust; undefined: not narrowed. */
  readonly scopes: ReadonlyArray<KeyScope> | undefined
  readonly credential: Credential
  /** The signed-in person; for a key its creator. */
  readonly person: Person | undefined
}

/** The caller of the current request; undefined in operations that need no credential, and in the server's own work. */
export class CurrentCaller extends Context.Reference<CurrentCaller>()("@maxcloud/server/CurrentCaller", {
  defaultValue: (): Caller | undefined => undefined
}) {}

/** The operation of the current request; undefined in the server's own work. */
export class CurrentOperation extends Context.Reference<CurrentOperation>()("@maxcloud/server/CurrentOperation", {
  defaultValue: (): OperationName | undefined => undefined
}) {}

/**
 * The network address of the request's sender (behind a trusted proxy: the one it reports); undefined in the server's
 * own work.
 */
export class ClientAddress extends Context.Reference<ClientAddress>()("@maxcloud/server/ClientAddress", {
  defaultValue: (): string | undefined => undefined
}) {}
