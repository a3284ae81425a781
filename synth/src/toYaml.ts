import { Document } from "yaml"
import type { Manifest } from "./manifest.ts"

/** Several documents of YAML. Texts that YAML 1.1 would read as something else (`yes`, `0777`) are quoted, since Kubernetes' tools read that. */
export const toYaml = (manifests: ReadonlyArray<Manifest>): string =>
  manifests
    .map((manifest) =>
      new Document(manifest, { aliasDuplicateObjects: false, compat: "yaml-1.1" }).toString({ lineWidth: 0 })
    )
    .join("---\n")
