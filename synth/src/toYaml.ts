import { Document } from "yaml"
import type { Manifest } from "./manifest.ts"

/** Several YAML documents. Quotes texts that YAML 1.1 would misread (`yes`, `0777`), because Kubernetes' tools use YAML 1.1. */
export const toYaml = (manifests: ReadonlyArray<Manifest>): string =>
  manifests
    .map((manifest) =>
      new Document(manifest, { aliasDuplicateObjects: false, compat: "yaml-1.1" }).toString({ lineWidth: 0 })
    )
    .join("---\n")
