// The study as it was submitted, and the flat search space it stands for.
import { value } from '../../format.js';
import { copy } from '../../ui/dialog.jsx';
import { Icon } from '../../ui/icon.jsx';
import { Panel } from '../../ui/parts.jsx';

const WIDTH = 92;

// JSON as people write it: what fits on a line stays on one.
// `before` is what stands on its first line already.
function pretty(node, indent = 0, before = 0) {
    const flat = JSON.stringify(node, null, 1)
        ?.replace(/\n\s*/g, ' ')
        .replace(/([[{]) /g, '$1')
        .replace(/ ([\]}])/g, '$1');
    if (node === null || typeof node !== 'object' || flat.length + indent + before <= WIDTH)
        return flat;
    const pad = ' '.repeat(indent + 2);
    const entries = Array.isArray(node)
        ? node.map((one) => pad + pretty(one, indent + 2))
        : Object.entries(node).map(
              ([key, one]) =>
                  `${pad}${JSON.stringify(key)}: ${pretty(one, indent + 2, key.length + 4)}`,
          );
    const [open, close] = Array.isArray(node) ? '[]' : '{}';
    return `${open}\n${entries.join(',\n')}\n${' '.repeat(indent)}${close}`;
}

// Keys, strings and numbers in their own colours; every piece is a text node.
function Json({ text }) {
    const pieces = text.split(
        /("(?:[^"\\]|\\.)*"(?:\s*:)?|-?\b\d[\d.eE+-]*\b|\btrue\b|\bfalse\b|\bnull\b)/,
    );
    return (
        <pre class="code" tabindex="0">
            <code>
                {pieces.map((piece, i) => {
                    if (i % 2 === 0) return piece;
                    const kind = piece.startsWith('"')
                        ? piece.endsWith(':')
                            ? 'key'
                            : 'string'
                        : 'number';
                    return (
                        <span key={i} class={`json-${kind}`}>
                            {piece}
                        </span>
                    );
                })}
            </code>
        </pre>
    );
}

function range(hp) {
    if (hp.values) return hp.values.map(value).join(', ');
    if (hp.min_value === undefined) return hp.value === undefined ? 'false, true' : value(hp.value);
    return `${value(hp.min_value)} to ${value(hp.max_value)}${hp.step ? ` by ${value(hp.step)}` : ''}`;
}

// Any of the outer list, all of the inner one.
function conditions(hp) {
    const one = ({ parent_name: parent, parent_values: values }) =>
        `${parent} is ${values.map(value).join(' or ')}`;
    return (hp.conditions ?? []).map((all) => all.map(one).join(' and ')).join('; or ');
}

export function Document({ summary }) {
    const text = pretty(summary.document);
    return (
        <div class="document">
            <Panel
                id="document"
                title="Study document"
                tools={
                    <button
                        class="button is-small"
                        onClick={() => copy(JSON.stringify(summary.document, null, 2), 'Document')}
                    >
                        <Icon name="copy" />
                        Copy
                    </button>
                }
            >
                <Json text={text} />
            </Panel>
            <Panel id="space" title="Search space" note={`${summary.space.length} hyperparameters`}>
                <div class="table-scroll" tabindex="0" role="group" aria-label="Search space">
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">Name</th>
                                <th scope="col">Type</th>
                                <th scope="col">Values</th>
                                <th scope="col">Sampling</th>
                                <th scope="col">Only when</th>
                            </tr>
                        </thead>
                        <tbody>
                            {summary.space.map((hp) => (
                                <tr key={hp.name}>
                                    <th scope="row">{hp.name}</th>
                                    <td>{hp.hp}</td>
                                    <td>{range(hp)}</td>
                                    <td>{hp.sampling ?? '–'}</td>
                                    <td class="wrap">{conditions(hp) || '–'}</td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            </Panel>
        </div>
    );
}
