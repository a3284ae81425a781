import { join } from "node:path"
import { build } from "esbuild"

const root = join(import.meta.dirname, "..")

/** The module with the bundled server of static sites, and the absolute paths of its input files. */
export const staticServerProgram = async (): Promise<{
  readonly text: string
  readonly inputs: ReadonlyArray<string>
}> => {
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ["src/static/server.ts"],
    bundle: true,
    write: false,
    minify: true,
    metafile: true,
    format: "esm",
    platform: "node",
    target: "node22.18",
    legalComments: "inline",
    logLevel: "warning",
    // sirv is CommonJS and calls `require` for Node's own modules.
    banner: { js: `import{createRequire as __r}from"node:module";const require=__r(import.meta.url);` }
  })
  const program = outputFiles[0]?.text ?? ""
  return {
    text: `/** Made by scripts/generate-static-server.ts from server.ts, with sirv in it. */\n// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a program as a text\n// biome-ignore format: as it is generated\nexport const staticServer = ${JSON.stringify(program)}\n`,
    inputs: Object.keys(metafile.inputs).map((name) => join(root, name))
  }
}
