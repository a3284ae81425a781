import { OrganizationId } from "@maxcloud/sdk/api"
import { Option, Schema } from "effect"
import type { Form } from "./setting.ts"

/** The word for the cluster's own runtime. */
export const ownRuntime = "none"

/** `runtimeClassName` of tenants' pods, or `none` for the cluster's own runtime. */
export interface RuntimeClasses {
  /** For every organization without one of its own. @default the server decides */
  readonly all: string | undefined
  /** By the ids of organizations, or their names. After an erasure, a name is free for another organization; an id never is. */
  readonly organizations: Readonly<Record<string, string>>
}

const isClass = Schema.is(Schema.String.pipe(Schema.pattern(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/)))
// No name has the `_` of an id.
const isOrganization = Schema.is(
  Schema.Union(OrganizationId, Schema.String.pipe(Schema.pattern(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/)))
)

/** Reads `gvisor`, `none`, and either with organizations: `gvisor,org_0198…=none,lab=kata`. */
const read = (written: string): Option.Option<RuntimeClasses> => {
  let all: string | undefined
  const organizations: Record<string, string> = {}
  for (const word of written.split(",").map((part) => part.trim())) {
    const [first = "", second, ...more] = word.split("=")
    if (second === undefined) {
      if (!isClass(first) || all !== undefined) return Option.none()
      all = first
    } else {
      if (!isOrganization(first) || !isClass(second) || more.length > 0) return Option.none()
      if (Object.hasOwn(organizations, first)) return Option.none()
      organizations[first] = second
    }
  }
  return Option.some({ all, organizations })
}

export const runtimeClasses: Form<RuntimeClasses> = {
  read,
  help: 'a runtime class is written as "gvisor" or "none", and those of organizations after it, by id or name: "gvisor,acme=none"'
}

/** All classes that a cluster has to have. */
export const classesIn = ({ all, organizations }: RuntimeClasses): ReadonlyArray<string> =>
  [...new Set([...(all === undefined ? [] : [all]), ...Object.values(organizations)])].filter(
    (name) => name !== ownRuntime
  )
