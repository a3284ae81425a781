import { Effect } from "effect"
import { required, text } from "../args/flags.ts"
import { connect, loadApp, loadSchemas, locatedErrors, refused } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { deployMetadata, metadataFlag } from "../deploy/deployMetadata.ts"
import { CommandFailed } from "../errors/failure.ts"

export default command({
  summary: "Try an expression on the config's app",
  examples: [
    { line: "maxcloud policies test 'service.tag != \"latest\"'", does: "Check whether this folder's app follows it" },
    { line: "maxcloud policies test 'services.size() <= 5' --stage preview-42", does: "Check another stage" }
  ],
  notes: ["Nothing is stored or deployed. Exits with 2 if the app breaks it, or if the expression is invalid."],
  flags: flags({
    file: text("file", "FILE", { alias: "f", description: "Config to read, as --config" }),
    metadata: metadataFlag
  }),
  positionals: positionals({ expression: required("EXPRESSION", "What must be true, in CEL") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { expression } = input
      const loaded = yield* loadApp(input, input.file ?? input.config)
      const { encodeAppSpec } = yield* loadSchemas
      const metadata = yield* deployMetadata(loaded.folder, input.metadata)
      const cloud = yield* connect(input)
      const { spec, stage } = loaded
      const { findings } = yield* cloud.policies
        .test({ expression, spec: encodeAppSpec(spec), stage, metadata })
        .pipe(Effect.catchTag("InvalidSpec", refused(loaded)))
      if (findings.length === 0) {
        if (terminal.json) terminal.printJson({ findings })
        else terminal.say(`${spec.app} (${stage}) follows it`)
        return
      }
      return yield* new CommandFailed({
        tag: "PolicyBroken",
        exit: 2,
        message: `${spec.app} (${stage}) breaks it`,
        ...(yield* locatedErrors(loaded, findings))
      })
    })
})
