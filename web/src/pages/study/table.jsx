// All trials that pass the filters: sortable, only the rows in sight are in the page.
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { count, duration, score, seconds, value } from '../../format.js';
import { route, setQuery } from '../../route.js';
import { Icon } from '../../ui/icon.jsx';
import { StateBadge } from '../../ui/state.jsx';
import { pick } from './view.js';

const ROW = 36;
const VISIBLE = 14;
const SPARE = 6; // rows kept above and below

function columnsOf(axes, objective) {
    return [
        { key: 'number', name: '#', read: (trial) => trial.number, first: 'up' },
        {
            key: 'state',
            name: 'State',
            read: (trial) => trial.state,
            show: (trial) => <StateBadge state={trial.state} />,
        },
        {
            key: 'score',
            name: objective.name,
            number: true,
            read: (trial) => trial.score,
            show: (trial) => score(trial.score),
            first: objective.direction === 'min' ? 'up' : 'down',
        },
        { key: 'best_epoch', name: 'Best epoch', number: true, read: (trial) => trial.best_epoch },
        {
            key: 'took',
            name: 'Took',
            number: true,
            read: (trial) => seconds(trial.started_at, trial.ended_at),
            show: (trial) => duration(seconds(trial.started_at, trial.ended_at)),
        },
        ...axes
            .filter((axis) => !axis.score)
            .map((axis) => ({
                key: `h.${axis.name}`,
                name: axis.name,
                number: axis.numeric,
                read: axis.read,
                show: (trial) => value(axis.read(trial)),
            })),
    ];
}

// Missing values last, whichever way it is sorted; equal ones by number.
function sorted(trials, column, down) {
    const sign = down ? -1 : 1;
    return [...trials].sort((a, b) => {
        const [x, y] = [column.read(a), column.read(b)];
        const [no, none] = [x === undefined || x === null, y === undefined || y === null];
        if (no || none) return no - none || a.number - b.number;
        return sign * (typeof x === 'string' ? x.localeCompare(y) : x - y) || a.number - b.number;
    });
}

function Head({ column, sort, onSort }) {
    const on = sort.key === column.key;
    return (
        <th
            scope="col"
            class={column.number ? 'is-number' : ''}
            aria-sort={on ? (sort.down ? 'descending' : 'ascending') : undefined}
        >
            <button title={column.name} onClick={() => onSort(column)}>
                {column.name}
                {on && <Icon name={sort.down ? 'down' : 'up'} />}
            </button>
        </th>
    );
}

function Heads({ columns, sort, onSort }) {
    return (
        <thead>
            <tr aria-rowindex="1">
                <th scope="col">
                    <span class="hidden">Pick for the learning curves</span>
                </th>
                {columns.map((column) => (
                    <Head key={column.key} column={column} sort={sort} onSort={onSort} />
                ))}
            </tr>
        </thead>
    );
}

// `reach`: the one row whose controls Tab comes to.
function Row({ trial, index, columns, best, open, picked, reach, onOpen, onFocus, onKeyDown }) {
    const { number } = trial;
    const tab = reach ? 0 : -1;
    return (
        <tr
            data-trial={number}
            aria-rowindex={index + 2}
            onClick={() => onOpen(number)}
            class={`${best ? 'is-best' : ''} ${open ? 'is-open' : ''}`}
        >
            <td onClick={(event) => event.stopPropagation()}>
                <input
                    type="checkbox"
                    aria-label={`Pick trial ${number}`}
                    checked={picked}
                    tabindex={tab}
                    onChange={() => pick(number)}
                />
            </td>
            <td>
                <button
                    class="link-number"
                    tabindex={tab}
                    aria-label={`Trial ${number}${best ? ', the best' : ''}`}
                    onFocus={() => onFocus(number)}
                    onKeyDown={(event) => onKeyDown(event, index)}
                    onClick={(event) => {
                        event.stopPropagation();
                        onOpen(number);
                    }}
                >
                    {number}
                </button>
                {best && <Icon name="star" />}
            </td>
            {columns.slice(1).map((one) => (
                <td
                    key={one.key}
                    class={one.number ? 'is-number' : ''}
                    title={one.key === 'state' ? (trial.reason ?? undefined) : undefined}
                >
                    {one.show ? one.show(trial) : value(one.read(trial))}
                </td>
            ))}
        </tr>
    );
}

export function TrialsTable({ trials, axes, objective, view, best, onOpen }) {
    const scroller = useRef();
    const [top, setTop] = useState(0);
    const [active, setActive] = useState(null); // number of the row that Tab reaches
    const columns = useMemo(() => columnsOf(axes, objective), [axes, objective]);
    const written = route.value.query.sort ?? 'number';
    const sort = { key: written.replace(/^-/, ''), down: written.startsWith('-') };
    const column = columns.find(({ key }) => key === sort.key) ?? columns[0];
    const rows = useMemo(
        () => sorted(trials.filter(view.shows), column, sort.down),
        [trials, view, column, sort.down],
    );
    const from = Math.max(0, Math.floor(top / ROW) - SPARE);
    const to = Math.min(rows.length, from + VISIBLE + 2 * SPARE);
    const reach = rows.some(({ number }) => number === active) ? active : rows[0]?.number;

    const onSort = ({ key, first }) => {
        const down = sort.key === key ? !sort.down : first === 'down';
        setQuery({ sort: `${down ? '-' : ''}${key}` });
    };
    const focusNext = useRef(null);
    const move = (index) => {
        const i = Math.max(0, Math.min(rows.length - 1, index));
        const box = scroller.current;
        const y = i * ROW;
        if (y < box.scrollTop) box.scrollTop = y;
        else if (y + 2 * ROW > box.scrollTop + box.clientHeight - 16)
            box.scrollTop = y + 2 * ROW - box.clientHeight + 16;
        setTop(box.scrollTop);
        setActive(rows[i].number);
        focusNext.current = rows[i].number;
    };
    useLayoutEffect(() => {
        if (focusNext.current === null) return;
        scroller.current
            .querySelector(`[data-trial="${focusNext.current}"] button`)
            ?.focus({ preventScroll: true });
        focusNext.current = null;
    });
    const onKeyDown = (event, index) => {
        const by = {
            ArrowDown: 1,
            ArrowUp: -1,
            PageDown: VISIBLE - 2,
            PageUp: 2 - VISIBLE,
            Home: -rows.length,
            End: rows.length,
        }[event.key];
        if (!by) return;
        event.preventDefault();
        move(index + by);
    };
    if (!rows.length)
        return (
            <p class="muted table-empty">
                {trials.length ? 'No trial passes the filters.' : 'No trials yet.'}
            </p>
        );
    return (
        <div
            class="table-scroll"
            ref={scroller}
            onScroll={(event) => setTop(event.target.scrollTop)}
            tabindex="-1"
            style={{ maxHeight: `${ROW * (VISIBLE + 1) + 12}px` }}
        >
            <table class="trials" aria-rowcount={rows.length + 1}>
                <caption class="hidden">
                    {count(rows.length)} trials. Arrow keys walk the rows, Enter opens a trial.
                </caption>
                <Heads columns={columns} sort={{ ...sort, key: column.key }} onSort={onSort} />
                <tbody>
                    {from > 0 && <tr aria-hidden="true" style={{ height: `${from * ROW}px` }} />}
                    {rows.slice(from, to).map((trial, i) => (
                        <Row
                            key={trial.number}
                            trial={trial}
                            index={from + i}
                            columns={columns}
                            best={trial.number === best}
                            open={trial.number === view.open}
                            picked={view.picked.has(trial.number)}
                            reach={trial.number === reach}
                            onOpen={onOpen}
                            onFocus={setActive}
                            onKeyDown={onKeyDown}
                        />
                    ))}
                    {to < rows.length && (
                        <tr
                            aria-hidden="true"
                            style={{ height: `${(rows.length - to) * ROW}px` }}
                        />
                    )}
                </tbody>
            </table>
        </div>
    );
}
