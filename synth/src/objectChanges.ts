import { type AppObject, type AppSpec, type FieldLeaf, fieldText, leavesOfObject } from "@maxcloud/config-schema"
import type { Manifest } from "./manifest.ts"
import { fieldAt, leavesFor } from "./patches.ts"
import { synth } from "./synth.ts"
import type { TenantContext } from "./tenant.ts"

/** A field of an object, and its values as JSON. */
export interface ObjectField {
  readonly path: string
  readonly before: string | null
  readonly after: string | null
}

/** The effect of an app's `manifests` on an object. For a patch, `before` is max-cloud's own value. */
export interface ObjectChange {
  readonly kind: string
  readonly name: string
  readonly action: "patch" | "create" | "update" | "delete"
  readonly fields: ReadonlyArray<ObjectField>
}

const json = (value: unknown) => (value === undefined ? null : JSON.stringify(value))

/** The app's objects that a service's patches change. */
const patchedObjects = (spec: AppSpec, tenant: TenantContext): ReadonlyArray<ObjectChange> => {
  const patched = spec.services.filter((service) => (service.manifests ?? []).length > 0)
  if (patched.length === 0) return []
  const plain = { ...spec, services: patched.map((service) => ({ ...service, manifests: [] })), manifests: [] }
  const changeOf = (manifest: Manifest): ReadonlyArray<ObjectChange> => {
    const service = patched.find((each) => each.name === manifest.metadata.name)
    const leaves = leavesFor(manifest, service?.manifests ?? [], tenant.manifestRules ?? [])
    const fields = leaves.map(({ steps, value }) => ({
      path: fieldText(steps),
      before: json(fieldAt(manifest, steps)),
      after: json(value)
    }))
    return fields.length === 0 ? [] : [{ kind: manifest.kind, name: manifest.metadata.name, action: "patch", fields }]
  }
  return synth(plain, tenant).flatMap(changeOf)
}

const idOf = ({ kind, metadata }: AppObject) => `${kind}/${metadata.name}`

const texts = (object: AppObject | undefined): ReadonlyMap<string, string | null> =>
  new Map(
    (object === undefined ? [] : leavesOfObject(object)).map(({ steps, value }: FieldLeaf) => [
      fieldText(steps),
      json(value)
    ])
  )

/** The app's own objects that differ from the previous ones. */
const ownObjects = (before: ReadonlyArray<AppObject>, after: ReadonlyArray<AppObject>): ReadonlyArray<ObjectChange> => {
  const old = new Map(before.map((object) => [idOf(object), object]))
  const now = new Map(after.map((object) => [idOf(object), object]))
  return [...new Set([...now.keys(), ...old.keys()])].flatMap((id): ReadonlyArray<ObjectChange> => {
    const [was, is] = [old.get(id), now.get(id)]
    const [from, to] = [texts(was), texts(is)]
    const fields = [...new Set([...from.keys(), ...to.keys()])]
      .sort()
      .map((path) => ({ path, before: from.get(path) ?? null, after: to.get(path) ?? null }))
      .filter((field) => field.before !== field.after)
    const object = is ?? was
    if (object === undefined || (was !== undefined && is !== undefined && fields.length === 0)) return []
    const action = was === undefined ? "create" : is === undefined ? "delete" : "update"
    return [{ kind: object.kind, name: object.metadata.name, action, fields: action === "delete" ? [] : fields }]
  })
}

/** The effects of the `manifests` in `spec`, if the app had these objects before. */
export const objectChanges = (
  spec: AppSpec,
  tenant: TenantContext,
  before: ReadonlyArray<AppObject>
): ReadonlyArray<ObjectChange> => [
  ...patchedObjects(spec, tenant),
  ...ownObjects(before, spec.services.length === 0 ? [] : (spec.manifests ?? []))
]
