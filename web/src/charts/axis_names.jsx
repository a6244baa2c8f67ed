// The names above parallel axes: drag one to move its axis, press it for what can be done to it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from '../ui/icon.jsx';

const NAME_AT_END = 108; // pixels; there is no more room beside the first and the last axis
const DRAG = 8; // pixels before a press becomes a drag

function Menu({ axis, index, last, onAct, onFilter, onClose }) {
    const ref = useRef();
    const [low, setLow] = useState('');
    const [high, setHigh] = useState('');
    useEffect(() => ref.current.querySelector('button:not(:disabled)').focus(), []);
    const submit = (event) => {
        event.preventDefault();
        onFilter({
            low: low === '' ? -1e300 : Number(low),
            high: high === '' ? 1e300 : Number(high),
            unset: false,
        });
        onClose();
    };
    const leave = (event) =>
        event.relatedTarget && !ref.current.contains(event.relatedTarget) && onClose();
    return (
        <div
            class="axis-menu"
            role="group"
            aria-label={`Axis ${axis.name}`}
            ref={ref}
            onFocusOut={leave}
            onKeyDown={(event) => event.key === 'Escape' && onClose(true)}
        >
            <div class="axis-acts">
                <button
                    class="button is-small"
                    disabled={index === 0}
                    onClick={() => onAct('left')}
                >
                    <Icon name="left" />
                    Left
                </button>
                <button
                    class="button is-small"
                    disabled={index === last}
                    onClick={() => onAct('right')}
                >
                    Right
                    <Icon name="right" />
                </button>
                <button
                    class="button is-small"
                    aria-pressed={axis.flipped ?? false}
                    onClick={() => onAct('flip')}
                >
                    Flip
                </button>
                <button class="button is-small" disabled={last < 1} onClick={() => onAct('hide')}>
                    Hide
                </button>
            </div>
            {axis.numeric && (
                <form onSubmit={submit}>
                    <input
                        type="number"
                        step="any"
                        aria-label={`${axis.name} from`}
                        placeholder="from"
                        value={low}
                        onInput={(event) => setLow(event.target.value)}
                    />
                    <input
                        type="number"
                        step="any"
                        aria-label={`${axis.name} to`}
                        placeholder="to"
                        value={high}
                        onInput={(event) => setHigh(event.target.value)}
                    />
                    <button class="button is-small is-primary">Filter</button>
                </form>
            )}
        </div>
    );
}

// onAct(index, 'left' | 'right' | 'flip' | 'hide'), onMove(from, to), onFilter(name, brush)
export function AxisNames({ axes, at, onAct, onMove, onFilter }) {
    const [open, setOpen] = useState(null);
    const [drag, setDrag] = useState(null); // {index, from, by}
    const buttons = useRef(new Map()).current;
    const last = axes.length - 1;
    const close = (back) => {
        if (back) buttons.get(open)?.focus();
        setOpen(null);
    };
    const onPointerUp = () => {
        if (drag && Math.abs(drag.by) > DRAG) {
            const to = Math.max(
                0,
                Math.min(last, Math.round(drag.index + drag.by / (at.step || 1))),
            );
            if (to !== drag.index) onMove(drag.index, to);
        }
        setDrag(drag && Math.abs(drag.by) > DRAG ? { ...drag, index: -1 } : null); // the click after it opens nothing
    };
    return (
        <div class="parallel-names" style={{ width: `${at.width}px` }}>
            {axes.map((axis, i) => (
                <div
                    key={axis.name}
                    class={`axis-name ${axis.score ? 'is-score' : ''}`}
                    style={{ left: `${at.x(i) + (drag?.index === i ? drag.by : 0)}px` }}
                >
                    <button
                        aria-expanded={open === axis.name}
                        title={`${axis.name}: drag to move, press for more`}
                        style={{
                            maxWidth: `${i % last ? Math.max(80, at.step - 10) : NAME_AT_END}px`,
                        }}
                        ref={(element) =>
                            element ? buttons.set(axis.name, element) : buttons.delete(axis.name)
                        }
                        onPointerDown={(event) => {
                            event.currentTarget.setPointerCapture(event.pointerId);
                            setDrag({ index: i, from: event.clientX, by: 0 });
                        }}
                        onPointerMove={(event) =>
                            drag?.index === i && setDrag({ ...drag, by: event.clientX - drag.from })
                        }
                        onPointerUp={onPointerUp}
                        onPointerCancel={() => setDrag(null)}
                        onClick={() => {
                            if (drag?.index !== -1) setOpen(open === axis.name ? null : axis.name);
                            setDrag(null);
                        }}
                    >
                        {axis.name}
                        {axis.flipped ? ' ↓' : ''}
                    </button>
                    {open === axis.name && (
                        <Menu
                            axis={axis}
                            index={i}
                            last={last}
                            onClose={close}
                            onFilter={(brush) => onFilter(axis.name, brush)}
                            onAct={(what) => {
                                onAct(i, what);
                                if (what === 'hide') setOpen(null);
                            }}
                        />
                    )}
                </div>
            ))}
        </div>
    );
}
