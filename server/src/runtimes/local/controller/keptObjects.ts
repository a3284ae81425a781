import type { Manifest } from "@maxcloud/synth"
import type { NamespaceKey } from "../../port/Runtime.ts"
import type { LocalObject } from "../objects/LocalObjects.ts"
import { fingerprint } from "./fingerprint.ts"

type Name = Pick<LocalObject, "kind" | "name" | "namespace" | "organizationId">

/** Digests of objects that are stored but not run. Secrets are kept in full, because revisions read them. */
export interface KeptObjects {
  readonly keep: (object: LocalObject) => void
  readonly forget: (name: Name) => void
  /** Is this object stored unchanged? */
  readonly has: (object: LocalObject) => boolean
  readonly secret: (key: NamespaceKey, name: string) => Manifest | undefined
}

export const makeKeptObjects = (): KeptObjects => {
  const kept = new Map<string, { readonly fingerprint: string; readonly manifest: Manifest | undefined }>()
  const idOf = (object: Name) => `${object.organizationId}/${object.namespace}/${object.kind}/${object.name}`
  return {
    keep: (object) => {
      kept.set(idOf(object), {
        fingerprint: fingerprint(object.manifest),
        manifest: object.kind === "Secret" ? object.manifest : undefined
      })
    },
    forget: (name) => {
      kept.delete(idOf(name))
    },
    has: (object) => kept.get(idOf(object))?.fingerprint === fingerprint(object.manifest),
    secret: (key, name) => kept.get(idOf({ ...key, kind: "Secret", name }))?.manifest
  }
}
