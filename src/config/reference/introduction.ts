/** The part of docs/configuration.md that no schema knows. `FILES` is replaced by the table of files. */
export const INTRODUCTION = `# Configuration reference

This page is generated from the schemas that read the files (\`npm run docs\`), so it cannot say anything else than they do.

FILES

The configuration root is the directory that holds \`agent-config/\` and \`realms/\`: the one that \`--config\` names, the current one
where it is absent. Every path in the files counts from it. Names that start with a dot are left alone; a YAML file whose name nobody
reads is an error, because what it says would not be in force.

\`gatehouse check\` reports every problem of every file at once, as \`file:line:column: what is wrong, and what to do\`. It runs the code
that \`serve\` runs. Unknown keys are errors: a misspelt rule must not silently be no rule.

## How values are written

- Files are YAML 1.2: \`no\` and \`on\` are texts, \`<<\` merges nothing, a key stands once, a file is one document.
- A **duration** is a whole number with its unit: \`500ms\`, \`30s\`, \`30m\`, \`2h\`, \`1d\`.
- An origin, as in \`url\`, is scheme, host and port as a browser shows them, without a path: \`https://app.example.com\`.

For completion and checking in an editor put the schema into the first line, with the path as seen from the file:

\`\`\`yaml
# yaml-language-server: $schema=../public/schemas/agent-profile.schema.json
\`\`\`

## Secrets and other values from outside

| in any value | becomes |
| --- | --- |
| \`\${env:NAME}\` | the environment variable; an error where it is not set or empty |
| \`\${env:NAME:-default}\` | the same, with a default for that case |
| \`\${file:PATH}\` | what the file holds, one line end at its end removed; an error where it cannot be read or is empty |
| \`$\${\` | the two characters \`\${\` themselves |

Several may stand in one value, and a default or a path may hold further ones: \`\${file:\${env:DATA:-.gatehouse}/master.key}\`. They are
filled in after YAML was parsed and are not looked into again, so a value can neither add keys nor name another secret. A number or a
switch may be given this way. Keys are taken as they are written.

Secrets (the master key, private keys) belong into such references, not into the files; \`check\` warns otherwise, and where every user
of the machine may read the file. What was filled in never appears in a message or a log. \`gatehouse init\` makes the master key;
\`gatehouse hash-password\` makes what \`users.yaml\` holds instead of a password.

## Changing it while it runs

\`serve\` watches all of it, files named by \`\${file:…}\` included, and swaps the whole when the content of anything changed: a request sees
the old configuration or the new one, never a mixture, and none is dropped. Replacing by rename and by symbolic link (mounted secrets)
is noticed. A configuration with any error is refused as a whole: the old one stays in force, and log, audit and \`/readyz\` say so.
Environment variables are read anew only by a restart, and so are \`listeners[].address\`, \`listeners[].port\`, \`store\` and
\`secrets.masterKey\`.`
