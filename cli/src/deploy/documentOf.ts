import type { PortableManifest, toYaml as ToYaml } from "@maxcloud/synth"

/** A manifest as YAML, below its notes as comments. */
export const documentOf = (toYaml: typeof ToYaml, { manifest, notes }: PortableManifest): string =>
  [...notes.map((note) => `# ${note}\n`), toYaml([manifest])].join("")
