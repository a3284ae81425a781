import { runHelper } from "./registry/credentialHelper.ts"

process.exitCode = await runHelper(process.argv[2], process.env)
