import type {
  ChangeOrganization,
  Conflict,
  DeletionStatus,
  ErasureCertificate,
  Forbidden,
  NotFound,
  OrganizationId,
  OrganizationInfo,
  Unavailable
} from "@maxcloud/sdk/api"
import { Context, type Effect, type Stream } from "effect"
import type { Caller, Person } from "../../tenancy/access/Caller.ts"

/** The stored data about an organization or a person: shown, exported, erased (GDPR, articles 15, 17, 20). */
export class Privacy extends Context.Tag("@maxcloud/server/Privacy")<
  Privacy,
  {
    readonly describe: (organizationId: OrganizationId) => Effect.Effect<OrganizationInfo, Unavailable>
    /** Its display name; `null` removes it. */
    readonly changeOrganization: (
      caller: Caller,
      input: ChangeOrganization
    ) => Effect.Effect<OrganizationInfo, Unavailable>
    /** Lines of JSON: everything that is stored, without secret values. */
    readonly exportOrganization: (caller: Caller) => Stream.Stream<string, Unavailable>
    readonly exportPerson: (person: Person) => Stream.Stream<string, Unavailable>
    /**
     * Ends the services, and schedules the erasure of everything for after the grace period. Conflict if `name` is another, or it
     * is already being deleted.
     */
    readonly deleteOrganization: (
      caller: Caller,
      input: { readonly name: string; readonly graceDays?: number | undefined }
    ) => Effect.Effect<DeletionStatus, Conflict | Forbidden | Unavailable>
    readonly cancelDeletion: (caller: Caller) => Effect.Effect<void, NotFound | Unavailable>
    readonly erasePerson: (person: Person) => Effect.Effect<ErasureCertificate, Conflict | Unavailable>
    readonly certificate: (id: string) => Effect.Effect<ErasureCertificate, NotFound | Unavailable>
  }
>() {}
