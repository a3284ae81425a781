import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { clusterRolePage } from "../src/operator/cluster/clusterRoles.ts"

writeFileSync(join(import.meta.dirname, "../../docs/reference/cluster-role.yaml"), clusterRolePage())
