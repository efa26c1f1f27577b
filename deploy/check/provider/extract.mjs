#!/usr/bin/env node
// Writes schema.json: what Terraform's providers know of the resources that
// deploy/gcp has.
//
//   deploy/check/provider/extract.mjs
//
// The providers themselves come from a registry that not every machine reaches.
// npm has their schemas, as classes that CDKTF generated from them: names, types,
// what has to be given, and what is told afterwards. @cdktf is no longer
// maintained, so these are the last versions; they are still right for these
// providers' versions, which deploy/gcp names.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const here = import.meta.dirname
const packages = { google: '@cdktf/provider-google@16.12.1', random: '@cdktf/provider-random@12.0.1' }

const gcp = join(here, '../../gcp')
const used = { resource: new Set(), data: new Set(), ephemeral: new Set() }
for (const file of readdirSync(gcp, { recursive: true }).filter((name) => name.endsWith('.tf'))) {
  for (const [, kind, type] of readFileSync(join(gcp, file), 'utf8').matchAll(/^(resource|data|ephemeral) "(\w+)"/gm)) {
    used[kind].add(type)
  }
}

const snake = (camel) => camel.replace(/[A-Z]/g, (c) => '_' + c.toLowerCase())
const pascal = (name) => name.replace(/(?:^|_)(\w)/g, (_, c) => c.toUpperCase())

function jsii(spec) {
  const folder = mkdtempSync(join(tmpdir(), 'schema-'))
  try {
    execFileSync('npm', ['pack', '--silent', '--ignore-scripts', spec], { cwd: folder })
    execFileSync('sh', ['-c', 'tar xzf *.tgz package/.jsii'], { cwd: folder })
    return readFileSync(join(folder, 'package/.jsii'), 'utf8')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

// The name as Terraform has it is in a link to its documentation.
const called = (p) => /#(\w+) \w+#\w+}/.exec(JSON.stringify(p.docs ?? ''))?.[1] ?? snake(p.name)

// type is as Terraform writes it, with the class of an object as {fqn}. A union is
// of a type and IResolvable, which is CDKTF's own.
const maps = { StringMap: 'string', NumberMap: 'number', BooleanMap: 'bool' }
function type(t) {
  if (t.union) return type(t.union.types.find((u) => u.fqn !== 'cdktf.IResolvable'))
  if (t.primitive) return { boolean: 'bool', any: 'dynamic' }[t.primitive] ?? t.primitive
  if (t.collection) return [t.collection.kind === 'map' ? 'map' : 'list', type(t.collection.elementtype)]
  const [, map, list] = /^cdktf\.(\w+Map)(List)?$/.exec(t.fqn) ?? []
  if (map) return list ? ['list', ['map', maps[map]]] : ['map', maps[map]]
  return { fqn: t.fqn }
}

// told is what a class tells afterwards; of an object these are all its attributes.
function told(types, fqn) {
  const attributes = {}
  for (const p of types[fqn]?.properties ?? []) {
    if (p.static || p.name.endsWith('Input') || /^(internalValue|tfResourceType|fqn)$/.test(p.name)) continue
    const t = type(p.type)
    attributes[called(p)] = t.fqn ? ['list', ['object', told(types, t.fqn.replace(/List$/, 'OutputReference'))]] : t
  }
  return attributes
}

// block is what may be in braces: attributes as [type, required|optional|computed],
// and blocks as [one|many, required|optional, block].
function block(types, config, output) {
  const attributes = {}
  const blocks = {}
  for (const p of types[config].properties ?? []) {
    const name = called(p)
    const t = type(p.type)
    const inner = t.fqn ?? t[1]?.fqn
    const need = p.optional ? 'optional' : 'required'
    if (!inner) attributes[name] = [t, need]
    else if (p.docs.summary === `${name} block.`) blocks[name] = [t.fqn ? 'one' : 'many', need, block(types, inner, inner + 'OutputReference')]
    else attributes[name] = [['list', ['object', told(types, inner)]], need]
  }
  for (const [name, t] of Object.entries(told(types, output))) {
    if (!attributes[name] && !blocks[name]) attributes[name] = [t, 'computed']
  }
  return { attributes, blocks }
}

const schema = { generated: 'by extract.mjs; do not edit', from: packages, versions: {}, provider: {}, resource: {}, data: {}, ephemeral: {} }
for (const [provider, spec] of Object.entries(packages)) {
  const text = jsii(spec)
  const { name, types } = JSON.parse(text)
  schema.versions[provider] = RegExp(`/providers/hashicorp/${provider}/([0-9.]+)/docs`).exec(text)[1]
  schema.provider[provider] = block(types, `${name}.provider.${pascal(provider)}ProviderConfig`)
  for (const key of Object.keys(schema.provider[provider].attributes)) { // Terraform's own; where each of hundreds of services is
    if (key === 'alias' || key.endsWith('_custom_endpoint')) delete schema.provider[provider].attributes[key]
  }
  for (const kind of Object.keys(used)) {
    for (const full of [...used[kind]].sort()) {
      if (!full.startsWith(provider + '_')) continue
      const short = pascal(full.slice(provider.length + 1))
      // An ephemeral resource has what the resource of its name has.
      const class_ = kind === 'data' ? `Data${pascal(provider)}${short}` : short
      const fqn = `${name}.${class_[0].toLowerCase()}${class_.slice(1)}.${class_}`
      if (types[fqn]) schema[kind][full] = block(types, fqn + 'Config', fqn)
      else console.error(`${spec} has no ${kind} ${full}`), (process.exitCode = 1)
    }
  }
}

// A line for each resource: a change of one is a change of one line.
const lines = (kind) => Object.entries(schema[kind]).map(([name, is]) => `  ${JSON.stringify(name)}: ${JSON.stringify(is)}`).join(',\n')
const head = JSON.stringify({ generated: schema.generated, from: schema.from, versions: schema.versions }).slice(0, -1)
const body = ['provider', ...Object.keys(used)].map((kind) => ` "${kind}": {\n${lines(kind)}\n }`).join(',\n')
writeFileSync(join(here, 'schema.json'), `${head},\n${body}\n}\n`)
