import type { Reporter, TestModule } from 'vitest/node';

/** Prints which tests were skipped because this machine lacks a prerequisite, and the Debian package to install. */
export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = new Map<string, Map<string, number>>();
    for (const module of modules) {
      const descriptions = new Map(
        module.project.config.tags
          .filter(({ skip }) => skip)
          .map(({ name, description = name }) => [name, description]),
      );
      for (const test of module.children.allTests('skipped')) {
        const tag = test.tags.find((name) => descriptions.has(name));
        if (tag === undefined) continue;
        const description = descriptions.get(tag) ?? tag;
        const files = skipped.get(description) ?? new Map<string, number>();
        files.set(module.relativeModuleId, (files.get(module.relativeModuleId) ?? 0) + 1);
        skipped.set(description, files);
      }
    }
    const lines = [...skipped].flatMap(([description, files]) => [
      `  ${description}`,
      ...[...files].map(([file, count]) => `    ${file} (${count} ${count === 1 ? 'test' : 'tests'})`),
    ]);
    if (lines.length > 0) process.stdout.write(`\nSkipped tests\n${lines.join('\n')}\n`);
  }
}
